#!/usr/bin/env node
// How fast events are reduced: 100,000 of each family on one thread, and a corpus of files on pools of one thread and of as
// many as there are processors. Processor time counts, so that whatever else the machine does meets nobody; the wall is
// printed beside. `--json` prints one document. Exit 1 where a family is beyond its reach.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { reduceEvents } from '#dist/contracts/reducers/reduce-events.js'
import { replayFiles } from '#dist/workers/bulk/replay-files.js'
import { STREAM_FAMILIES, streamOf } from '../scripts/replay-streams.mjs'

const EVENTS = Number(process.argv.find((word) => /^\d+$/.test(word)) ?? 100_000)
const ROUNDS = 3
/** Milliseconds for `EVENTS` of one family. */
const REACH_MS = 1_000
const FILES = 120
const EVENTS_PER_FILE = 1_000

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-bench-')))
try {
  const families = STREAM_FAMILIES.map(measureFamily)
  const pools = []
  const paths = writeCorpus()
  for (const threads of new Set([1, availableParallelism()])) {
    pools.push(await measurePool(paths, threads))
  }
  if (process.argv.includes('--json')) console.log(JSON.stringify({ families, pools }))
  else print(families, pools)
  if (families.some(({ cpu_ms: cpuMs }) => cpuMs > REACH_MS)) process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The best round, after one that warms up. */
function measureFamily(family) {
  const events = streamOf(family, EVENTS)
  const rounds = Array.from({ length: ROUNDS + 1 }, () => {
    const [startedAt, before] = [performance.now(), process.cpuUsage()]
    reduceEvents(family, events)
    const { user, system } = process.cpuUsage(before)
    return { wallMs: performance.now() - startedAt, cpuMs: (user + system) / 1_000 }
  }).slice(1)
  const best = (key) => Math.round(Math.min(...rounds.map((round) => round[key])))
  return { family, events: events.length, cpu_ms: best('cpuMs'), wall_ms: best('wallMs') }
}

function writeCorpus() {
  return Array.from({ length: FILES }, (_, at) => {
    const path = join(folder, `${at}.jsonl`)
    const events = streamOf('status', EVENTS_PER_FILE)
    writeFileSync(path, events.map((event) => `${JSON.stringify(event)}\n`).join(''))
    return path
  })
}

async function measurePool(paths, threads) {
  const tasks = paths.map((path) => ({ path, family: 'status', options: {} }))
  const startedAt = performance.now()
  const outcomes = await replayFiles(tasks, { threads })
  const seconds = (performance.now() - startedAt) / 1_000
  const events = outcomes.reduce((sum, outcome) => sum + (outcome.events ?? 0), 0)
  return { threads, files: paths.length, events, events_per_s: Math.round(events / seconds) }
}

function print(families, pools) {
  console.log(`${EVENTS} events of a family on one thread, best of ${ROUNDS}; reach ${REACH_MS} ms`)
  console.log('family           cpu ms  wall ms')
  for (const { family, cpu_ms: cpuMs, wall_ms: wallMs } of families) {
    console.log(`${family.padEnd(16)} ${String(cpuMs).padStart(6)}  ${String(wallMs).padStart(7)}`)
  }
  for (const { threads, files, events, events_per_s: rate } of pools) {
    console.log(`${files} files, ${events} events, ${threads} threads: ${rate} events/s`)
  }
}
