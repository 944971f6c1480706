# What signs the messages to addresses that single requests name: GALLOP_WEBHOOK_SECRET.
curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/webhook/secret" \
  -H "Authorization: Bearer $GALLOP_API_KEY"

# Say where your receiver listens, such as https%3A%2F%2Fexample.com%2Fhook.
curl -sS --fail-with-body \
  "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/text-to-video?webhook=$GALLOP_WEBHOOK_URL" \
  -H "Authorization: Bearer $GALLOP_API_KEY" \
  -H "Content-Type: application/json" \
  -d '{"prompt": "A horse gallops along the sea", "duration": 3}'
