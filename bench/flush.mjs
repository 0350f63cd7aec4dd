// What a link costs: connecting with so much to deliver, beside a bare client that connects and sends the same frames to
// the same hub in turn; and how long a commit and an event take to the hub while the link is live.
import { randomUUID } from 'node:crypto'
import { createRuntime } from '#dist/index.js'
import { writeLogin } from '#dist/project/login/login.js'
import { serve } from './hub-child.mjs'
import { inTurn, quantile, row, timed } from './measure.mjs'
import { decide, draft, inFolder, openProject } from './project.mjs'
import { connect } from './raw-link.mjs'

const SIZES = {
  whole: { rounds: 7, events: [50, 1_000, 10_000], commits: [50, 1_000], live: 100 },
  short: { rounds: 1, events: [50], commits: [5], live: 5 },
}
const FEW_ROUNDS = 3
/** Of the bare connect, and in milliseconds. */
const REACH = { commits: 3, liveP99: 20 }
/** How long the eyes of another wait for what was sent. */
const SEEN_MS = 30_000
const BARE = 'bare connect and the same frames'

export function rows(isShort) {
  const sizes = isShort ? SIZES.short : SIZES.whole
  return inFolder(async (folder) => {
    const hub = await serve(folder, 'embedded')
    try {
      return await measure(folder, hub, sizes)
    } finally {
      await hub.end()
    }
  })
}

async function measure(folder, hub, { rounds, events, commits, live }) {
  const { root, uuid, state, mission } = await openProject(folder)
  writeLogin(state, { hub: hub.url, token: hub.token, team_slug: 'acme' })
  const runtime = await createRuntime({ root, stateDirectory: state, link: 'manual' })
  try {
    await runtime.sync.optIn()
    const watch = watchLink(runtime)
    // The threads are started, everything is loaded, and the hub knows the project, before anything is measured.
    await runtime.emit(draft(0))
    await watch.start()
    await runtime.sync.stop()
    const eyes = new Eyes()
    const other = await connect(hub, (frame) => eyes.take(frame))
    await other.follow(uuid)
    const world = { runtime, watch, hub, eyes, mission }
    const found = [await flushNothing(world, rounds)]
    for (const count of events) found.push(await flushEvents(world, rounds, count))
    for (const count of commits) found.push(await flushCommits(world, count))
    found.push(...(await liveTimes(world, live)))
    other.close()
    return found
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

async function flushNothing({ runtime, watch, hub }, rounds) {
  const found = await inTurn(
    { rounds },
    {
      base: () => timed(async () => (await connect(hub)).close()),
      ours: async () => {
        const { liveMs } = await watch.start()
        await runtime.sync.stop()
        return liveMs
      },
    },
  )
  return row({ figure: 'connect, nothing pending', beside: 'bare connect', ...found })
}

async function flushEvents({ runtime, watch, hub, eyes }, rounds, count) {
  let bodies = []
  const found = await inTurn(
    { rounds: count > 1_000 ? Math.min(rounds, FEW_ROUNDS) : rounds },
    {
      ours: async () => {
        await Promise.all(Array.from({ length: count }, (_, at) => runtime.emit(draft(at))))
        eyes.forget()
        const { emptiedMs } = await watch.start()
        await runtime.sync.stop()
        await eyes.see('event', count)
        bodies = eyes.frames
          .filter(({ type }) => type === 'event')
          .map((frame) => JSON.stringify({ ...without(frame, 'type', 'seq', 'at'), ...fresh() }))
        return emptiedMs
      },
      base: () => bare(hub, (link) => link.sendEvents(bodies)),
    },
  )
  return row({ figure: `connect and flush, ${count} events`, beside: BARE, ...found })
}

async function flushCommits({ runtime, watch, hub, eyes, mission }, count) {
  let commits = []
  const found = await inTurn(
    // Each round makes the commits first, and the log grows with them.
    { rounds: count > 100 ? 1 : FEW_ROUNDS, warmUps: 0 },
    {
      ours: async () => {
        for (let at = 0; at < count; at += 1) await decide(runtime, mission, at)
        eyes.forget()
        const { liveMs } = await watch.start()
        await runtime.sync.stop()
        await eyes.see('LocalCommit', count)
        commits = eyes.frames
          .filter(isCommit)
          .map((frame) => ({ ...sentOf(frame), git_hash: freshHash() }))
        return liveMs
      },
      base: () => bare(hub, (link) => link.sendCommits(commits)),
    },
  )
  const figure = `connect and flush, ${count} commits`
  return row({ figure, beside: BARE, ...found, most: REACH.commits })
}

function bare(hub, send) {
  return timed(async () => {
    const link = await connect(hub)
    await send(link)
    link.close()
  })
}

async function liveTimes({ runtime, watch, eyes, mission, hub }, count) {
  await watch.start()
  const echo = await connect(hub)
  const times = { commits: [], events: [], echoes: [] }
  for (let at = 0; at < count; at += 1) {
    eyes.forget()
    let committedAt = 0
    const off = runtime.on('committed', () => (committedAt = performance.now()))
    await decide(runtime, mission, at)
    off()
    await eyes.see('LocalCommit', 1)
    const frame = eyes.frames.find(isCommit)
    // The hub may be quicker than the word of the thread that committed.
    times.commits.push(Math.max(0, frame.at - committedAt))
    const same = { ...sentOf(frame), git_hash: freshHash() }
    times.echoes.push(await timed(() => echo.sendCommits([same])))
    eyes.forget()
    const event = async () => {
      await runtime.emit(draft(at))
      await eyes.see('event', 1)
    }
    times.events.push(await timed(event))
  }
  echo.close()
  await runtime.sync.stop()
  const of = (name, share) => quantile(times[name], share)
  const [p50, p99] = ['p50', 'p99'].map((name) => `commit to the eyes of another, live, ${name}`)
  const beside = 'the same frame of a bare client, answered'
  return [
    row({ figure: p50, beside, ours: of('commits', 0.5), base: of('echoes', 0.5) }),
    row({
      figure: p99,
      beside,
      ours: of('commits', 0.99),
      base: of('echoes', 0.99),
      value: of('commits', 0.99),
      most: REACH.liveP99,
    }),
    row({ figure: 'event from its emit, live, p99', beside: '', ours: of('events', 0.99) }),
  ]
}

function isCommit({ type }) {
  return type === 'LocalCommit'
}

/** What another sees, who waits without taking time from whoever is measured. */
class Eyes {
  frames = []
  #look = () => {}

  take(frame) {
    this.frames.push({ ...frame, at: performance.now() })
    this.#look()
  }

  /** So many frames of a type since the last `forget`. */
  async see(type, count) {
    let [read, found] = [0, 0]
    await new Promise((resolve, reject) => {
      const late = () => reject(new Error(`saw ${found} of ${count} ${type}`))
      const timer = setTimeout(late, SEEN_MS)
      this.#look = () => {
        for (; read < this.frames.length; read += 1)
          found += Number(this.frames[read].type === type)
        if (found < count) return
        clearTimeout(timer)
        resolve()
      }
      this.#look()
    })
  }

  forget() {
    this.frames = []
  }
}

/** A commit as it was sent: what the hub adds for those who follow is its own. */
function sentOf(frame) {
  return without(frame, 'local_only', 'user', 'seq', 'at')
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
