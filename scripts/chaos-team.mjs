#!/usr/bin/env node
// `npm run chaos:team`: three hubs on one nats-server, killed in turn under load. `--seed N`, `--kills N`, `--events N` of each
// publisher, `--servers 3` for a cluster, of which the server that leads is lost with its disk, `--cuts` to replace the log by a base
// behind each kill.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findNatsServer } from './nats-server.mjs'
import { prepare } from './prepare.mjs'
import { runTeam } from './chaos/team.mjs'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    kills: { type: 'string', default: '24' },
    events: { type: 'string', default: '4000' },
    servers: { type: 'string', default: '1' },
    cuts: { type: 'boolean', default: false },
  },
})
const natsProgram = findNatsServer()
if (natsProgram === null) {
  console.error('There is no nats-server here; NATS_SERVER may name one.')
  process.exit(2)
}
if (process.env.KITTIWAKE_BUILT !== '1') prepare()
const folder = mkdtempSync(join(tmpdir(), 'kittiwake-team-'))
const numbers = {
  seed: Number(values.seed),
  kills: Number(values.kills),
  events: Number(values.events),
  servers: Number(values.servers),
  cuts: values.cuts,
}
try {
  const report = await runTeam({ folder, natsProgram, ...numbers })
  console.log(JSON.stringify({ seed: numbers.seed, ...report }, null, 2))
  if (report.faults.length > 0) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
