curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/text-to-video" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "prompt": "A horse gallops along the sea at dawn",
    "aspect_ratio": "16:9",
    "duration": 5
  }'
