curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/image-to-video" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d @- <<JSON
{
  "image": "$GALLOP_URL/static/samples/horse.jpg",
  "prompt": "The horse gallops, dust rises",
  "resolution": "720p",
  "duration": 3
}
JSON
