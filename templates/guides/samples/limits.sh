# -i shows the headers, RateLimit and RateLimit-Policy among them.
curl -sS --fail-with-body -i \
  "$GALLOP_URL/api/v3/key" \
  -H "Authorization: Bearer $GALLOP_API_KEY"
