// The main job, for real: a mission in a git repository, offline and online, a hub that is killed, and proof of each promise.
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { document, kittiwake, start, stop } from './program.mjs'
import { findBytes } from './find-bytes.mjs'

const DECISIONS = [
  ['Where are drafts kept while offline?', 'In SQLite, one file per project'],
  ['Who may answer a decision?', 'Anyone on the mission'],
  ['How long may a commit wait?', 'Until the next writing command'],
  ['What does the hub forget?', 'Nothing that it acknowledged'],
  ['Which clock orders the events?', 'Lamport, per node'],
  ['What leaves without consent?', 'Nothing'],
]
const OFFLINE_EVENTS = 200
const STREAMED_EVENTS = 600
const CANARY = 'wren-cove-4471'

export async function firstRun(args) {
  const once = args.includes('--once')
  const decisions = args.includes('--short') ? DECISIONS.slice(0, 2) : DECISIONS
  const at = args.indexOf('--hub-data')
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-')))
  const hubData = at === -1 ? join(home, 'hub') : args[at + 1]
  const world = { ...makeWorld(home, hubData), decisions }
  const promises = []
  try {
    await mission(world, promises)
    await offline(world, promises)
    await online(world, promises)
    await storm(world, promises)
    await live(world, promises)
    await proofs(world, promises)
    const kept = report(promises)
    if (!once && kept) await follow(world)
    return kept ? 0 : 1
  } catch (error) {
    report(promises)
    console.error(`first run: ${error instanceof Error ? error.message : error}`)
    return 1
  } finally {
    for (const program of world.running) await stop(program, 'SIGTERM')
    rmSync(home, { recursive: true, force: true })
  }
}

function makeWorld(home, hubData) {
  const repository = join(home, 'seabird')
  mkdirSync(join(home, 'user'))
  const env = {
    ...process.env,
    // Nobody but the commands of this run sends anything.
    KITTIWAKE_AUTO_START: '0',
    HOME: join(home, 'user'),
    // The name of the person whose machine this is must not turn up anywhere.
    LOGNAME: CANARY,
    USER: CANARY,
    KITTIWAKE_HOME: join(home, 'state'),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: join(home, 'user', '.gitconfig'),
  }
  writeFileSync(
    env.GIT_CONFIG_GLOBAL,
    '[user]\n\tname = Robin Plover\n\temail = robin.plover@example.org\n',
  )
  return { home, repository, env, hubData, running: new Set(), started: performance.now() }
}

async function mission(world, promises) {
  const { repository } = world
  git(world, world.home, 'init', '-q', '-b', 'main', repository)
  writeFileSync(join(repository, 'README.md'), '# Seabird\n')
  git(world, repository, 'add', '.')
  git(world, repository, 'commit', '-q', '-m', 'Start')
  const project = await run(world, ['init'])
  const again = await run(world, ['init'])
  world.project = project.project
  promise(
    promises,
    'one identity, however often it is asked for',
    again.created === false && again.project.uuid === project.project.uuid,
    world.project.uuid,
  )
  world.mission = await run(world, ['mission', 'create', 'harbour'])
  say(`mission ${world.mission.mission_slug} on ${world.mission.branch}`)
}

async function offline(world, promises) {
  await run(world, ['sync', 'opt-in'])
  const times = []
  for (const [question, answer] of world.decisions) {
    const asked = await run(world, [
      'decision',
      'request',
      '--mission',
      world.mission.mission_slug,
      '--question',
      question,
    ])
    const from = performance.now()
    const answered = await run(world, [
      'decision',
      'answer',
      asked.decision_id,
      '--mission',
      world.mission.mission_slug,
      '--answer',
      answer,
    ])
    times.push(performance.now() - from)
    say(`decision "${question}" ► ${answered.commit.slice(0, 10)}`)
  }
  const commits = git(
    world,
    world.repository,
    'rev-list',
    '--count',
    `main..${world.mission.branch}`,
  ).trim()
  promise(
    promises,
    'every answer is a commit on the mission branch',
    commits === String(world.decisions.length),
    `${commits} commits, median ${median(times)} ms a command`,
  )
  const frames = JSON.parse(
    readFileSync(join(world.repository, '.kittify/sync-state.json'), 'utf8'),
  )
  promise(
    promises,
    'every commit waits for the hub',
    frames.pending_local_commits.length === world.decisions.length,
    `${frames.pending_local_commits.length} frames pending`,
  )
  const from = performance.now()
  const receipts = await emitBatch(world, drafts(0, OFFLINE_EVENTS))
  promise(
    promises,
    'events are durable without a link',
    receipts.length === OFFLINE_EVENTS &&
      receipts.every((one) => one.durable && one.route === 'queued'),
    `${receipts.length} receipts, ${perSecond(receipts.length, from)} a second, start of the program included`,
  )
  world.receipts = receipts
}

async function online(world, promises) {
  await startHub(world)
  const { token } = await run(world, [
    'hub',
    'token',
    'create',
    '--team',
    'coast',
    '--user',
    'keeper',
    '--data',
    world.hubData,
  ])
  world.token = token
  await run(world, ['auth', 'login', '--hub', world.hub.url, '--token-file', '-'], token)
  const from = performance.now()
  const report = await run(world, ['sync', 'now'])
  promise(
    promises,
    'what waited is delivered and acknowledged',
    report.delivered === OFFLINE_EVENTS &&
      report.commits_acked === world.decisions.length &&
      report.pending === 0,
    `${report.delivered} events and ${report.commits_acked} commits in ${Math.round(performance.now() - from)} ms`,
  )
  const frames = JSON.parse(
    readFileSync(join(world.repository, '.kittify/sync-state.json'), 'utf8'),
  )
  const tip = git(world, world.repository, 'rev-parse', world.mission.branch).trim()
  promise(
    promises,
    'the last confirmed commit is the tip',
    frames.last_saas_confirmed_hash === tip,
    tip.slice(0, 10),
  )
}

async function storm(world, promises) {
  const link = start(world.repository, world.env, ['sync', 'run'])
  world.running.add(link)
  await document(link, (value) => value.state === 'live')
  const part = STREAMED_EVENTS / 3
  for (let round = 0; round < 3; round++) {
    const sending = emitBatch(world, drafts(OFFLINE_EVENTS + round * part, part))
    say(`the hub is killed (${round + 1} of 3)`)
    await stop(world.hubProgram, 'SIGKILL')
    world.running.delete(world.hubProgram)
    world.receipts.push(...(await sending))
    await startHub(world)
  }
  await settled(world)
  world.link = link
  const events = await fetchAll(world, 'events')
  const ids = events.map(({ event }) => event.event_id)
  const missing = world.receipts.filter(({ event_id }) => !ids.includes(event_id))
  promise(
    promises,
    'every receipted event is at the hub exactly once',
    missing.length === 0 &&
      new Set(ids).size === ids.length &&
      ids.length === world.receipts.length,
    `${ids.length} at the hub, ${world.receipts.length} receipts, ${missing.length} missing, 3 kills of the hub`,
  )
  const clocks = events.map(({ event }) => event.lamport_clock)
  promise(
    promises,
    'the order of the clock is kept',
    clocks.every((clock, at) => at === 0 || clock > clocks[at - 1]),
    `clock 1 to ${clocks.at(-1)}`,
  )
}

async function live(world, promises) {
  const receipt = await run(world, [
    'emit',
    'HistoryAdded',
    '--aggregate',
    'WP01',
    '--payload',
    JSON.stringify({
      wp_id: 'WP01',
      entry_type: 'note',
      author: CANARY,
      hostname: CANARY,
      entry_content: `seen by ${CANARY}@example.org in /home/${CANARY}/notes and C:\\Users\\${CANARY}\\notes`,
    }),
  ])
  world.receipts.push(receipt)
  promise(
    promises,
    'with a link up, an event goes live',
    receipt.route === 'live',
    `clock ${receipt.lamport_clock}`,
  )
  const asked = await run(world, [
    'decision',
    'request',
    '--mission',
    world.mission.mission_slug,
    '--question',
    'Is the link up?',
  ])
  await run(world, [
    'decision',
    'answer',
    asked.decision_id,
    '--mission',
    world.mission.mission_slug,
    '--answer',
    'Yes',
  ])
  await settled(world)
  const commits = await fetchAll(world, 'commits')
  const hashes = commits.map(({ commit }) => commit.git_hash)
  const wanted = git(
    world,
    world.repository,
    'rev-list',
    '--reverse',
    `main..${world.mission.branch}`,
  )
    .trim()
    .split('\n')
  promise(
    promises,
    'the hub holds every commit once, in order',
    hashes.join() === wanted.join(),
    `${hashes.length} commits`,
  )
}

async function proofs(world, promises) {
  const clone = join(world.home, 'clone')
  git(world, world.home, 'clone', '-q', world.repository, clone)
  const elsewhere = { ...world.env, KITTIWAKE_HOME: join(world.home, 'nowhere') }
  const log = (await kittiwake(clone, elsewhere, ['decision', 'log', '--mission', 'harbour']))
    .document
  const answered = log.decisions.filter(
    (decision) => decision.answer !== null && decision.commit !== null,
  )
  promise(
    promises,
    'a clone elsewhere shows every decision from git alone',
    answered.length === world.decisions.length + 1,
    `${answered.length} decisions, ${existsSync(elsewhere.KITTIWAKE_HOME) ? 'state was written' : 'no state'}`,
  )
  git(world, world.repository, 'fsck', '--strict', '--no-dangling')
  promise(promises, 'git finds nothing to complain about', true, 'fsck --strict')
  const status = git(world, world.mission.worktree, 'status', '--porcelain').trim()
  promise(
    promises,
    'the coordination worktree is clean',
    status === '',
    status === '' ? 'nothing left over' : status,
  )
  const leaked = [...findBytes(world.home, CANARY), ...findBytes(world.hubData, CANARY)]
  promise(
    promises,
    'no personal data in any file, database page, commit or frame',
    leaked.length === 0,
    leaked.length === 0 ? 'scanned every byte' : leaked.join(', '),
  )
}

async function startHub(world) {
  const port = world.hub === undefined ? 0 : world.hub.port
  const program = start(world.home, world.env, [
    'hub',
    'serve',
    '--port',
    String(port),
    '--data',
    world.hubData,
  ])
  world.running.add(program)
  world.hub = await document(program, (value) => value.url !== undefined)
  world.hubProgram = program
  say(`hub at ${world.hub.url}`)
}

/** Until the outbox and the frames are empty. */
async function settled(world) {
  const deadline = performance.now() + 60_000
  for (;;) {
    const { document: report } = await kittiwake(world.repository, world.env, [
      'sync',
      'now',
      '--timeout',
      '30',
    ])
    if (report.reason === null) return
    if (performance.now() > deadline) throw new Error(`not delivered within 60 s: ${report.reason}`)
  }
}

async function emitBatch(world, lines) {
  const { documents, err } = await kittiwake(
    world.repository,
    world.env,
    ['emit', '--batch', '-'],
    { input: lines },
  )
  const refused = documents.filter((one) => !one.ok)
  if (refused.length > 0)
    throw new Error(`a line was refused: ${JSON.stringify(refused[0])} ${err}`)
  return documents
}

function drafts(from, count) {
  return Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      event_type: 'HistoryAdded',
      aggregate_id: `WP${String((from + at) % 20).padStart(2, '0')}`,
      payload: {
        wp_id: 'WP01',
        entry_type: 'note',
        author: 'agent',
        entry_content: `step ${from + at}`,
      },
    }),
  ).join('\n')
}

async function fetchAll(world, what) {
  const all = []
  for (let after = 0; ;) {
    const url = `${world.hub.url}/api/v1/${what}?project_uuid=${world.project.uuid}&after=${after}`
    const page = await (
      await fetch(url, { headers: { authorization: `Bearer ${world.token}` } })
    ).json()
    if (page[what].length === 0) return all
    all.push(...page[what])
    after = page.next
  }
}

async function run(world, args, input) {
  const {
    code,
    document: answer,
    err,
  } = await kittiwake(world.repository, world.env, args, { input })
  if (code !== 0)
    throw new Error(
      `kittiwake ${args.slice(0, 2).join(' ')} ended with ${code}: ${JSON.stringify(answer)} ${err}`,
    )
  return answer
}

/** Stays up: one decision and a few events now and then, and what the hub receives, as it receives it. */
async function follow(world) {
  console.log(`\nThe hub stays up at ${world.hub.url}; a mission goes on. End with Ctrl-C.`)
  let ended = false
  process.once('SIGINT', () => (ended = true))
  let seen = (await fetchAll(world, 'events')).length
  for (let beat = 1; !ended; beat++) {
    try {
      seen = await showBeat(world, beat, seen)
    } catch (error) {
      // The terminal interrupts the commands that run with us too.
      if (!ended) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 2_000))
  }
}

/** Three events, now and then a decision, and what the hub has received since; answers how much that is in all. */
async function showBeat(world, beat, seen) {
  const mission = ['--mission', world.mission.mission_slug]
  await emitBatch(world, drafts(10_000 + beat * 3, 3))
  if (beat % 4 === 0) {
    const question = ['--question', `Go on after beat ${beat}?`]
    const asked = await run(world, ['decision', 'request', ...mission, ...question])
    const answer = [asked.decision_id, ...mission, '--answer', 'Yes']
    const { commit } = await run(world, ['decision', 'answer', ...answer])
    say(`decision committed ► ${commit.slice(0, 10)}`)
  }
  const events = await fetchAll(world, 'events')
  for (const { seq, event } of events.slice(seen)) {
    say(`hub ◄ ${seq} ${event.event_type} ${event.aggregate_id} clock ${event.lamport_clock}`)
  }
  return events.length
}

function git(world, cwd, ...args) {
  return execFileSync('git', args, {
    cwd,
    env: world.env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

function promise(promises, words, kept, figure) {
  promises.push({ words, kept, figure })
  console.log(`${kept ? 'kept  ' : 'BROKEN'}  ${words}  (${figure})`)
}

function report(promises) {
  const broken = promises.filter(({ kept }) => !kept)
  console.log(`\n${promises.length - broken.length} of ${promises.length} promises kept`)
  return promises.length > 0 && broken.length === 0
}

function say(text) {
  console.log(`        ${text}`)
}

function median(values) {
  return Math.round(values.sort((a, b) => a - b)[Math.floor(values.length / 2)])
}

function perSecond(count, from) {
  return Math.round((count * 1000) / (performance.now() - from))
}
