# What can be spent, in dollars.
curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/balance" \
  -H "Authorization: Bearer $GALLOP_API_KEY"
