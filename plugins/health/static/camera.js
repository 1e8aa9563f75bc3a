// Pictures of the customer: two frames of the camera, or chosen files where there is none.
let stream = null;

export async function start(video) {
  if (stream) return true;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: { ideal: "user" } },
    });
  } catch {
    return false;
  }
  video.srcObject = stream;
  await video.play().catch(() => undefined);
  // Until a frame has come, a picture of it would be empty.
  if (!video.videoWidth) await new Promise((resolve) => video.addEventListener("loadeddata", resolve, { once: true }));
  video.dataset.live = "true";
  return true;
}

export function stop(video) {
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = null;
  video.srcObject = null;
  delete video.dataset.live;
}

async function frame(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new Uint8Array(await blob.arrayBuffer());
}

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function pictures(video, files) {
  if (files.length) return Promise.all([...files].slice(0, 2).map(async (file) => new Uint8Array(await file.arrayBuffer())));
  if (!stream || !video.videoWidth) return [];
  const first = await frame(video);
  await pause(350);
  return [first, await frame(video)];
}

export const label = () => (stream?.getVideoTracks()[0]?.label || "file").slice(0, 80);
