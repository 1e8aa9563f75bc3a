"""The unified identity platform (统一身份认证): who citizens, organisations and terminals are."""
