IMAGE=$(curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/media/upload/binary" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -F "file=@horse.jpg" |
  sed -E 's/.*"download_url":"([^"]+)".*/\1/')

curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/image-to-video" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d "{\"image\": \"$IMAGE\", \"duration\": 3}"
