// Takes the lease at the given path, says so, and holds it until it is killed.
import { writeSync } from 'node:fs'

import { SenderLease } from '#dist/workers/store/sender-lease.js'

const lease = SenderLease.tryAcquire(process.argv[2])
writeSync(1, lease === null ? 'refused\n' : 'held\n')
setInterval(() => lease, 60_000)
