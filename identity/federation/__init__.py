"""Log-in with an outside provider (national, provincial): the city is the client, Authlib speaks the protocol."""
