# What would it cost? Asking is free.
curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/model/price" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{
    "model_id": "alibaba/happyhorse-1.1/image-to-video",
    "inputs": {"resolution": "1080p", "duration": 5}
  }'
