#!/usr/bin/env node
// What it costs to be looked at: emitting one event after the other, and many together, in a runtime without the flight
// recorder, in an ordinary one, and in one that is followed, recorded, and shown in a window; side by side, so that whatever
// else the machine does meets all. Then 1,000 events a second: what is told of them. `--json` prints one document.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createRuntime } from '#dist/index.js'
import { TraceWriter } from '#dist/inspect/trace-writer.js'
import { initProject } from '#dist/project/init.js'

const isShort = process.argv.includes('--short')
const ROUNDS = isShort ? 3 : 9
const EVENTS = isShort ? 40 : 200
const TOGETHER = isShort ? 320 : 3_200
const STORM_S = isShort ? 2 : 10
/** Of the time without the recorder. */
const REACH = { recorder: 1.05, attached: 2 }
const PACKAGE = join(import.meta.dirname, '..')
const RECORDS = 'options.system.inspect((event) => this.#take(event));'

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'kittiwake-inspect-')))
try {
  const found = await measure()
  if (process.argv.includes('--json')) console.log(JSON.stringify(found))
  else print(found)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function measure() {
  const { createRuntime: createBare } = await import(pathToFileURL(bareIndex()).href)
  const opened = {
    'no recorder': await open('bare', createBare),
    ordinary: await open('ordinary', createRuntime),
    followed: await open('followed', createRuntime),
    recorded: await open('recorded', createRuntime),
    'in a window': await open('window', createRuntime, { inspect: true }),
  }
  const ends = []
  try {
    const follow = await opened.followed.follow((message) => JSON.stringify(message))
    const writer = await TraceWriter.create(join(folder, 'trace.ndjson'))
    const record = await opened.recorded.follow((message) => writer.tell(message))
    ends.push(
      follow.stop,
      record.stop,
      () => writer.close(),
      await openWindow(opened['in a window'].inspectUrl),
    )
    const rows = await inTurn(opened)
    return { rows, storm: await storm(opened.followed) }
  } finally {
    for (const end of ends) await end()
    for (const runtime of Object.values(opened)) await runtime.stop()
  }
}

/** The package as it is, but that its recorder hears nothing. */
function bareIndex() {
  const copy = join(folder, 'bare-package')
  cpSync(join(PACKAGE, 'dist'), join(copy, 'dist'), { recursive: true })
  cpSync(join(PACKAGE, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(PACKAGE, 'node_modules'), join(copy, 'node_modules'))
  const file = join(copy, 'dist/inspect/flight-recorder.js')
  const text = readFileSync(file, 'utf8')
  if (!text.includes(RECORDS)) throw new Error('the recorder is not what this measures')
  writeFileSync(file, text.replace(RECORDS, ''))
  return join(copy, 'dist/index.js')
}

async function open(name, create, options = {}) {
  const root = join(folder, name)
  const as = ['-c', 'user.name=Bench', '-c', 'user.email=bench@localhost']
  execFileSync('git', ['init', '-q', '-b', 'main', root])
  execFileSync('git', [...as, 'commit', '-q', '--allow-empty', '-m', 'Start'], { cwd: root })
  await initProject(root)
  return create({ root, stateDirectory: join(folder, `${name}-state`), link: 'manual', ...options })
}

/** Resolves to the way to close it. */
async function openWindow(url) {
  const program = fileURLToPath(new URL('inspect-window.mjs', import.meta.url))
  const child = spawn(process.execPath, [program, url], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  return () => void child.kill()
}

async function inTurn(opened) {
  const times = new Map(Object.keys(opened).map((name) => [name, { one: [], many: [] }]))
  for (let round = -1; round < ROUNDS; round += 1) {
    for (const [name, runtime] of Object.entries(opened)) {
      const one = await timed(EVENTS, async () => {
        for (let at = 0; at < EVENTS; at += 1) await runtime.emit(draft(at))
      })
      const many = await timed(TOGETHER, () =>
        Promise.all(Array.from({ length: TOGETHER }, (_, at) => runtime.emit(draft(at)))),
      )
      // The first round only warms up.
      if (round < 0) continue
      times.get(name).one.push(one)
      times.get(name).many.push(many)
      await delay(50)
    }
  }
  const first = [...times.values()][0]
  return [...times].map(([name, { one, many }]) => ({
    name,
    ...row('one', one, first.one),
    ...row('many', many, first.many),
  }))
}

/** Each round beside the same round of the first way: what slows both is not counted. */
function row(what, times, base) {
  const ratio = (key) => median(times.map((time, at) => time[key] / base[at][key]))
  return {
    [`${what}WallUs`]: median(times.map(({ wallUs }) => wallUs)),
    [`${what}WallRatio`]: ratio('wallUs'),
    [`${what}ActiveUs`]: median(times.map(({ activeUs }) => activeUs)),
    [`${what}ActiveRatio`]: ratio('activeUs'),
  }
}

async function timed(count, work) {
  const before = performance.eventLoopUtilization()
  const startedAt = performance.now()
  await work()
  const wallUs = ((performance.now() - startedAt) * 1_000) / count
  const activeUs = (performance.eventLoopUtilization(before).active * 1_000) / count
  return { wallUs, activeUs }
}

/** 1,000 events a second, each awaited alone where the disk lets it. */
async function storm(runtime) {
  const counts = { told: 0, leftOut: 0 }
  const following = await runtime.follow((message) => {
    if (message.type === 'kittiwake.sampled') counts.leftOut += message.leftOut
    else counts.told += 1
  })
  const startedAt = performance.now()
  const emitted = []
  for (let at = 0; performance.now() - startedAt < STORM_S * 1_000;) {
    const due = Math.floor(performance.now() - startedAt)
    for (; at < due; at += 1) emitted.push(runtime.emit(draft(at)))
    await delay(1)
  }
  await Promise.all(emitted)
  const seconds = (performance.now() - startedAt) / 1_000
  following.stop()
  const perSecond = (count) => Math.round(count / seconds)
  return {
    events: perSecond(emitted.length),
    told: perSecond(counts.told),
    leftOut: perSecond(counts.leftOut),
  }
}

function draft(at) {
  const payload = {
    wp_id: 'WP01',
    entry_type: 'note',
    entry_content: `Note ${at}`,
    author: 'agent',
  }
  return { event_type: 'HistoryAdded', aggregate_id: 'WP01', payload }
}

function median(values) {
  return values.toSorted((one, other) => one - other)[values.length >> 1]
}

function print({ rows, storm: found }) {
  console.log(
    'per event         one after the other          many together        main thread: one, many',
  )
  for (const one of rows) {
    const cells = ['oneWall', 'manyWall', 'oneActive', 'manyActive'].map(
      (what) => `${one[`${what}Us`].toFixed(0).padStart(7)} µs ${one[`${what}Ratio`].toFixed(2)}×`,
    )
    console.log([one.name.padEnd(14), ...cells].join('  '))
  }
  const [, ordinary, ...attached] = rows
  const most = Math.max(
    ...attached.map(({ oneWallRatio, manyWallRatio }) => Math.max(oneWallRatio, manyWallRatio)),
  )
  console.log(
    `recorder ${ordinary.oneWallRatio.toFixed(2)}× (at most ${REACH.recorder}×), attached ${most.toFixed(2)}× (at most ${REACH.attached}×)`,
  )
  console.log(
    `storm: ${found.events} events/s, ${found.told} messages/s told, ${found.leftOut}/s left out and said`,
  )
}
