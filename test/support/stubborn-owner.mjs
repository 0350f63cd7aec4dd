// Holds the background lock of a state directory, answers who it is, and doesn't end when it is asked to. With a nonce given,
// it answers with that one instead of its record's.
import { writeSync } from 'node:fs'
import { ControlServer } from '#dist/background/control-server.js'
import { writeOwner } from '#dist/background/owner-record.js'
import { makePlaces, placesOf } from '#dist/background/places.js'
import { SenderLease } from '#dist/workers/store/sender-lease.js'

const [state, otherNonce] = process.argv.slice(2)
const places = placesOf(state)
makePlaces(places)
const lease = SenderLease.tryAcquire(places.lock)
const owner = {
  pid: process.pid,
  version: '0.1.0',
  started_at: new Date().toISOString(),
  protocol: 1,
  nonce: 'f'.repeat(32),
}
writeOwner(places.owner, owner)
const nonce = otherNonce === '' ? owner.nonce : otherNonce
const server = new ControlServer(places.control, () => ({ ...owner, nonce, projects: [] }))
await server.listen()
writeSync(1, lease === null ? 'refused\n' : 'up\n')
setInterval(() => lease, 60_000)
