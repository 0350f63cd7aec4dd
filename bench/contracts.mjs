#!/usr/bin/env node
// What the judgement of an event costs: one of 600 bytes from its text to its verdict, with and without the JSON Schemas, and a
// corpus of files with one thread and with as many as there are processors. Times of one event are processor time, of batches, so
// that neither the clock's own cost nor what else the machine does is one of them. Prints one table, or with
// `--json` one document; exit code 1 where the strict way takes longer than it may.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readEventText } from '#dist/contracts/event-text.js'
import { validateEvent } from '#dist/events/validate-event.js'
import { validateFiles } from '#dist/workers/bulk/validate-files.js'

const REACH_US = 50
const BATCH = 50
const BATCHES = 2_000
const WARM_UPS = 400
const FILES = 200
const LINES = 250

const EVENT = JSON.stringify({
  event_id: '01KB2C3D4E5F6G7H8J9K0M1N2P',
  event_type: 'WPStatusChanged',
  aggregate_id: 'WP01',
  aggregate_type: 'WorkPackage',
  payload: {
    mission_slug: 'harbour-01KT119Y',
    wp_id: 'WP01',
    from_lane: 'claimed',
    to_lane: 'in_progress',
    actor: { role: 'implementer', profile: 'agent', tool: 'codex', model: null },
    execution_mode: 'worktree',
    reason: null,
  },
  timestamp: '2026-11-28T10:00:00.000001+00:00',
  build_id: '5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10',
  node_id: '0123456789ab',
  lamport_clock: 7,
  project_uuid: '5f0c1c3e-8a52-4a3a-9d0f-2b7d6c1e9a10',
  correlation_id: '01KB2C3D4E5F6G7H8J9K0M1N2P',
  schema_version: '3.0.0',
})

const found = {
  bytes: Buffer.byteLength(EVENT),
  plain: timed(false),
  strict: timed(true),
  corpus: await corpus(),
}
if (process.argv.includes('--json')) console.log(JSON.stringify(found))
else print(found)
process.exit(found.strict.p95Us < REACH_US ? 0 : 1)

/** Microseconds of one event, from text to verdict. */
function timed(strict) {
  const times = []
  for (let round = -WARM_UPS; round < BATCHES; round += 1) {
    const from = process.cpuUsage()
    for (let at = 0; at < BATCH; at += 1) {
      if (!validateEvent(JSON.parse(EVENT), undefined, { strict }).valid) throw new Error('invalid')
    }
    const { user, system } = process.cpuUsage(from)
    if (round >= 0) times.push((user + system) / BATCH)
  }
  times.sort((a, b) => a - b)
  const at = (share) => times[Math.floor(times.length * share)] ?? 0
  return { p50Us: at(0.5), p95Us: at(0.95), p99Us: at(0.99) }
}

/** Events a second of many files, with one thread and with all; and of this thread, without a pool. */
async function corpus() {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-bench-')))
  try {
    const tasks = Array.from({ length: FILES }, (_, at) => {
      const path = join(folder, `${at}.jsonl`)
      writeFileSync(path, `${EVENT}\n`.repeat(LINES))
      return { path, type: null, strict: true }
    })
    const events = FILES * LINES
    const perSecond = async (work) => {
      const from = performance.now()
      await work()
      return Math.round(events / ((performance.now() - from) / 1_000))
    }
    const here = await perSecond(() => {
      for (let at = 0; at < events; at += 1) {
        const read = readEventText(EVENT)
        if (read.ok) validateEvent(read.value, undefined, { strict: true })
      }
    })
    const threads = availableParallelism()
    const one = await perSecond(() => validateFiles(tasks, { threads: 1 }))
    const many = await perSecond(() => validateFiles(tasks, { threads }))
    return { events, here, one, many, threads }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function print({ bytes, plain, strict, corpus }) {
  const of = ({ p50Us, p95Us, p99Us }) =>
    [p50Us, p95Us, p99Us].map((us) => us.toFixed(1).padStart(8)).join('')
  console.log(`one event of ${bytes} bytes, µs          p50     p95     p99`)
  console.log(`models                          ${of(plain)}`)
  console.log(`models and JSON Schemas         ${of(strict)}   reach: < ${REACH_US} at p95`)
  const { events, here, one, many, threads } = corpus
  console.log(`${events} events in ${FILES} files, events a second, strict`)
  console.log(`without a pool ${here}, 1 thread ${one}, ${threads} threads ${many}`)
}
