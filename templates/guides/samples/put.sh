TICKET=$(curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/media/uploads" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d "{\"filename\": \"horse.jpg\", \"size\": $(wc -c < horse.jpg), \"content_type\": \"image/jpeg\"}")

# No key here: the address is the permission.
curl -sS --fail-with-body \
  --upload-file horse.jpg "$(sed -E 's/.*"url":"([^"]+)".*/\1/' <<< "$TICKET")" \
  -H "Content-Type: image/jpeg" \
  -H "If-None-Match: *"
