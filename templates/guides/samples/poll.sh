gallop() {
  curl -sS --fail-with-body "$GALLOP_URL/api/v3/$1" \
    -H "Authorization: Bearer $GALLOP_API_KEY" "${@:2}"
}

JOB=$(gallop alibaba/happyhorse-1.1/text-to-video \
  -H "Content-Type: application/json" \
  -d '{"prompt": "A horse gallops along the sea", "duration": 3}' |
  sed -E 's/.*"id":"([0-9a-f]{32})".*/\1/')

until RESULT=$(gallop "predictions/$JOB/result") &&
  [[ $RESULT =~ \"status\":\"(completed|failed)\" ]]; do
  sleep 5
done
echo "$RESULT"
