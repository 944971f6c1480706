# Without --fail the body says what is wrong; the status goes to the end.
curl -sS --write-out "%{http_code}\n" \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/text-to-video" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"prompt": "A horse gallops", "resolution": "480p"}'
