ORDER=$(cat /proc/sys/kernel/random/uuid)

# The network broke? Send exactly the same again: one film, one price, the same answer.
for attempt in 1 2; do
  curl -sS --fail-with-body \
    "$GALLOP_URL/api/v3/alibaba/happyhorse-1.1/text-to-video" \
    -H "Authorization: Bearer $GALLOP_API_KEY" \
    -H "Idempotency-Key: $ORDER" \
    -H "Content-Type: application/json" \
    -d '{"prompt": "A horse gallops along the sea", "duration": 3}'
  echo
done
