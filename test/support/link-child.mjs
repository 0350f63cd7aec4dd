// A link in a process of its own: delivers so many batches of large events to the hub at argv[2], and tells on stdout how
// many were accepted, how many bytes went, and how much memory this process held before it and at most.
import { Link } from '#dist/workers/socket/link.js'

const [url, rounds] = [process.argv[2], Number(process.argv[3])]
const BATCH = 64
const PROJECT = '7d4f3a52-1c89-4e0b-9a6d-2f5e8b7c9d10'

let greet
const greeted = new Promise((resolve) => (greet = resolve))
const link = new Link({
  login: () => ({ state: 'present', login: { hub: url, token: 'kw_test_token', team_slug: 'a' } }),
  granted: () => true,
  emit: (fact) => fact.type === 'socket.snapshot' && greet(),
  limits: { ackMs: 60_000 },
})
await link.authenticate()
await link.open()
await greeted
const before = process.memoryUsage.rss()
let [most, bytes, accepted] = [before, 0, 0]
const timer = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5)
for (let round = 0; round < rounds; round += 1) {
  const items = Array.from({ length: BATCH }, (_, at) => itemOf(round * BATCH + at))
  accepted += (await link.deliver('events', round, items)).accepted.length
  bytes += items.reduce((sum, { frame }) => sum + frame.length, 0)
}
clearInterval(timer)
await link.close()
console.log(JSON.stringify({ accepted, bytes, before, most }))

function itemOf(index) {
  const id = `01J0000000000000000${String(index).padStart(7, '0')}`
  const padding = 'x'.repeat(64 * 1024)
  const frame = `{"a":"${padding}","event_id":"${id}","project_uuid":"${PROJECT}"}`
  return { id, projectUuid: PROJECT, frame }
}
