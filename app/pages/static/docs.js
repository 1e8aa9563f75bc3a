// Opens Swagger UI on every document this city has.
const answer = await fetch("/docs/documents.json");
const urls = await answer.json();
window.SwaggerUIBundle({
  urls,
  dom_id: "#swagger-ui",
  deepLinking: true,
  presets: [window.SwaggerUIBundle.presets.apis, window.SwaggerUIStandalonePreset],
  layout: "StandaloneLayout",
  validatorUrl: null,
});
