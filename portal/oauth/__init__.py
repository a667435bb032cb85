"""Where applications sign in: OAuth 2.0 client credentials (RFC 6749 §4.4), as the key vault's clients call it.

The addresses are those that azure-identity and `az login --service-principal` call on the host `login.<API_DOMAIN>`.
django-oauth-toolkit and oauthlib judge the request; the token is one of `portal.tokens`, so the API knows one kind.
"""
