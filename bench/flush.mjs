#!/usr/bin/env node
// What a link costs: connecting with so much to deliver, beside a bare client that connects and sends the same frames to
// the same hub in turn; and how long a commit and an event take to the hub while the link is live. `--json` one document.
import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRuntime } from '#dist/index.js'
import { initProject } from '#dist/project/init.js'
import { locateRepository } from '#dist/project/locate.js'
import { writeLogin } from '#dist/project/login.js'
import { createMission } from '#dist/project/mission-create.js'
import { connect } from './raw-link.mjs'

const asJson = process.argv.includes('--json')
const isShort = process.argv.includes('--short')
const ROUNDS = isShort ? 2 : 7
const EVENTS = isShort ? [50, 1_000] : [50, 1_000, 10_000]
const COMMITS = isShort ? 5 : 50
const LIVE = isShort ? 5 : 100
/** Of the bare connect, and in milliseconds. */
const REACH = { commits: 3, liveP99: 20 }

const folder = mkdtempSync(join(tmpdir(), 'kittiwake-flush-'))
const child = spawn(
  process.execPath,
  [fileURLToPath(new URL('flush-hub.mjs', import.meta.url)), join(folder, 'hub')],
  { stdio: ['pipe', 'pipe', 'inherit'] },
)
try {
  const found = await measure(JSON.parse(String((await once(child.stdout, 'data'))[0])))
  if (asJson) console.log(JSON.stringify(found))
  else print(found)
} finally {
  child.stdin.end()
  rmSync(folder, { recursive: true, force: true })
}

async function measure(hub) {
  const root = join(folder, 'project')
  execFileSync('git', ['init', '-q', '-b', 'main', root])
  for (const [key, value] of [
    ['user.name', 'Bench'],
    ['user.email', 'bench@localhost'],
    ['gc.auto', '0'],
  ]) {
    execFileSync('git', ['config', key, value], { cwd: root })
  }
  execFileSync('git', ['commit', '-q', '--allow-empty', '-m', 'Start'], { cwd: root })
  await initProject(root)
  const repository = await locateRepository(root)
  const { directory: mission } = await createMission(repository, { slug: 'b', topology: 'coord' })
  const state = join(folder, 'state')
  writeLogin(state, { hub: hub.url, token: hub.token, team_slug: 'acme' })
  const runtime = await createRuntime({ root, stateDirectory: state, link: 'manual' })
  try {
    await runtime.sync.optIn()
    const watch = watchLink(runtime)
    // The threads are started, and everything is loaded, before anything is measured.
    await watch.start()
    await runtime.sync.stop()
    const frames = []
    const eyes = await connect(hub, (frame) => frames.push({ ...frame, at: performance.now() }))
    const rows = [await flushNothing(runtime, watch, hub)]
    for (const count of EVENTS) rows.push(await flushEvents(runtime, watch, hub, frames, count))
    rows.push(await flushCommits(runtime, watch, hub, frames, mission))
    const live = await liveTimes(runtime, watch, frames, mission)
    eyes.close()
    return { hub: hub.hub, rows, live }
  } finally {
    await runtime.stop()
  }
}

/** Starts the link, and tells when it was live and when all events were delivered. */
function watchLink(runtime) {
  let told = () => {}
  runtime.on('link', ({ state }) => state === 'live' && told('live'))
  runtime.inspect((event) => {
    if (event.type !== '@xstate.event' || event.event.type !== 'drain.emptied') return
    if (event.event.sink === 'events') told('emptied')
  })
  return {
    start: async () => {
      const startedAt = performance.now()
      const at = {}
      const emptied = new Promise((resolve) => {
        told = (what) => {
          at[what] ??= performance.now() - startedAt
          if (what === 'emptied') resolve()
        }
      })
      await runtime.sync.start()
      await emptied
      return { liveMs: at.live, emptiedMs: at.emptied }
    },
  }
}

async function flushNothing(runtime, watch, hub) {
  return row('nothing', 0, ROUNDS, async () => {
    const bare = await timed(async () => (await connect(hub)).close())
    const { liveMs } = await watch.start()
    await runtime.sync.stop()
    return { bareMs: bare.ms, framesMs: bare.ms, oursMs: liveMs }
  })
}

async function flushEvents(runtime, watch, hub, frames, count) {
  const rounds = count > 1_000 ? Math.min(ROUNDS, 3) : ROUNDS
  return row('events', count, rounds, async () => {
    await Promise.all(Array.from({ length: count }, (_, at) => runtime.emit(draft(at))))
    frames.length = 0
    const { emptiedMs } = await watch.start()
    await runtime.sync.stop()
    await seen(frames, 'event', count)
    const bodies = frames
      .filter(({ type }) => type === 'event')
      .map((frame) => JSON.stringify({ ...without(frame, 'type', 'seq', 'at'), ...fresh() }))
    return { ...(await bare(hub, (link) => link.sendEvents(bodies))), oursMs: emptiedMs }
  })
}

async function flushCommits(runtime, watch, hub, frames, mission) {
  return row('commits', COMMITS, Math.min(ROUNDS, 3), async () => {
    for (let at = 0; at < COMMITS; at += 1) await decide(runtime, mission, at)
    frames.length = 0
    const { liveMs } = await watch.start()
    await runtime.sync.stop()
    await seen(frames, 'LocalCommit', COMMITS)
    const commits = frames
      .filter(isCommit)
      .map((frame) => ({ ...without(frame, 'seq', 'at'), git_hash: freshHash() }))
    return { ...(await bare(hub, (link) => link.sendCommits(commits))), oursMs: liveMs }
  })
}

async function bare(hub, send) {
  const startedAt = performance.now()
  const link = await connect(hub)
  const bareMs = performance.now() - startedAt
  await send(link)
  const framesMs = performance.now() - startedAt
  link.close()
  return { bareMs, framesMs }
}

async function liveTimes(runtime, watch, frames, mission) {
  await watch.start()
  const commits = []
  const events = []
  for (let at = 0; at < LIVE; at += 1) {
    frames.length = 0
    let committedAt = 0
    const off = runtime.on('committed', () => (committedAt = performance.now()))
    await decide(runtime, mission, at)
    off()
    await seen(frames, 'LocalCommit', 1)
    // The hub may be quicker than the word of the thread that committed.
    commits.push(Math.max(0, frames.find(isCommit).at - committedAt))
    frames.length = 0
    const { ms } = await timed(async () => {
      await runtime.emit(draft(at))
      await seen(frames, 'event', 1)
    })
    events.push(ms)
  }
  await runtime.sync.stop()
  return { commits: quantiles(commits), events: quantiles(events), reachP99Ms: REACH.liveP99 }
}

function isCommit({ type }) {
  return type === 'LocalCommit'
}

/** One decision asked and answered, which is one commit. */
async function decide(runtime, mission, at) {
  const asked = await runtime.decisions.request({ mission, question: `Question ${at}?` })
  const { decision_id } = asked
  const answered = await runtime.decisions.answer({ mission, decision_id, answer: 'Yes' })
  if (answered.commit === null) throw new Error(`not committed: ${answered.deferred_reason}`)
}

async function seen(frames, type, count) {
  while (frames.filter((frame) => frame.type === type).length < count) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function row(what, count, rounds, round) {
  const times = []
  for (let at = -1; at < rounds; at += 1) {
    const found = await round()
    if (at >= 0) times.push(found)
  }
  const of = (key) => median(times.map((found) => found[key]))
  const [bareMs, framesMs, oursMs] = [of('bareMs'), of('framesMs'), of('oursMs')]
  return { what, count, bareMs, framesMs, oursMs, ratio: oursMs / bareMs, addedMs: oursMs - bareMs }
}

function draft(at) {
  const payload = {
    wp_id: 'WP01',
    entry_type: 'note',
    author: 'agent',
    entry_content: `Note ${at}`,
  }
  return { event_type: 'HistoryAdded', aggregate_id: 'WP01', payload }
}

function without(frame, ...keys) {
  return Object.fromEntries(Object.entries(frame).filter(([key]) => !keys.includes(key)))
}

function fresh() {
  const digits = randomUUID().replaceAll('-', '').toUpperCase()
  return { event_id: `0${digits.slice(0, 25)}` }
}

function freshHash() {
  return `${randomUUID()}${randomUUID()}`.replaceAll('-', '').slice(0, 40)
}

async function timed(work) {
  const startedAt = performance.now()
  await work()
  return { ms: performance.now() - startedAt }
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

function quantiles(values) {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { p50Ms: at(0.5), p99Ms: at(0.99) }
}

function print({ hub, rows, live }) {
  console.log(`From the start of a link to the end of its flush (medians; ${hub} hub):`)
  console.log('  pending            bare ms   + frames ms   ours ms   ours/bare   added ms')
  for (const { what, count, bareMs, framesMs, oursMs, ratio, addedMs } of rows) {
    const cells = [
      `  ${count} ${what}`.padEnd(18),
      ...[bareMs, framesMs, oursMs].map((ms, at) => ms.toFixed(1).padStart([10, 14, 10][at])),
      ratio.toFixed(2).padStart(12),
      addedMs.toFixed(1).padStart(11),
    ]
    const reach = what === 'commits' ? `   reach: ratio ≤ ${REACH.commits}` : ''
    console.log(cells.join('') + reach)
  }
  const text = ({ p50Ms, p99Ms }) => `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`
  console.log(
    `While live, to the eyes of another: commit ${text(live.commits)} (reach ≤ ${live.reachP99Ms})`,
  )
  console.log(`                                    event from its emit ${text(live.events)}`)
}
