# With a test key, magic words end the film as you like.
curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/text-to-video" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"prompt": "A horse gallops [fail]", "duration": 3}'
