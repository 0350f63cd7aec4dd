// What the background process costs the commands that tell it of something: one `emit` without a word to it, with one to a
// process that runs, and with one that has to start it; side by side, so that whatever else the machine does meets all.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readLog } from '#dist/background/log.js'
import { readOwner } from '#dist/background/owner-record.js'
import { placesOf } from '#dist/background/places.js'
import { median, row } from './measure.mjs'
import { inFolder } from './project.mjs'

const ROUNDS = 15
const WARM_UPS = 2
/** What a started process does first would be measured with the next command. */
const SETTLE_MS = { whole: 1_500, short: 0 }
const REACH = 1.05
const START_REACH_MS = 100
const PACKAGE = join(import.meta.dirname, '..')
const SAID = 'async function nudgeProject(cwd) {'
const EMIT = ['emit', 'NoteTaken', '--aggregate', 'WP01', '--payload', '{"wp_id":"WP01"}']

export function rows(isShort) {
  return inFolder((folder) => measure(folder, isShort))
}

async function measure(folder, isShort) {
  const [rounds, warmUps] = isShort ? [1, 0] : [ROUNDS, WARM_UPS]
  const settleMs = isShort ? SETTLE_MS.short : SETTLE_MS.whole
  const mute = mutedPackage(folder)
  const main = join(PACKAGE, 'dist/cli/main.js')
  const state = join(folder, 'state')
  const env = { ...process.env, HOME: folder, KITTIWAKE_HOME: state }
  const root = join(folder, 'seabird')
  execFileSync('git', ['init', '-q', '-b', 'main', root], { env })
  const hub = spawn(process.execPath, [main, 'hub', 'serve', '--json'], { env, stdio: 'pipe' })
  const run = (program, args, on, input = '') =>
    execFileSync(process.execPath, [program, ...args, '--json'], {
      cwd: root,
      env: { ...env, KITTIWAKE_AUTO_START: on ? '1' : '0' },
      input,
      encoding: 'utf8',
    })
  const places = placesOf(state)
  const timed = (program, on) => {
    const startedAt = performance.now()
    run(program, EMIT, on)
    return performance.now() - startedAt
  }
  try {
    const { url } = JSON.parse(String((await once(hub.stdout, 'data'))[0]))
    run(main, ['init'], false)
    const { token } = JSON.parse(
      run(main, ['hub', 'token', 'create', '--team', 'bench', '--user', 'bench'], false),
    )
    run(main, ['auth', 'login', '--hub', url, '--token-file', '-'], false, token)
    run(main, ['sync', 'opt-in'], false)
    const times = { without: [], running: [], starting: [] }
    const startMs = []
    const upMs = []
    for (let round = -warmUps; round < rounds; round += 1) {
      run(main, ['sync', 'stop'], false)
      const without = timed(mute, false)
      mkdirSync(places.folder, { recursive: true, mode: 0o700 })
      if (round > -warmUps) utimesSync(places.started, 0, 0)
      const starting = timed(main, true)
      const endedAt = Date.now()
      const { startedAt, upAt } = await upOf(places)
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      const running = timed(main, true)
      if (round < 0) continue
      times.without.push(without)
      times.starting.push(starting)
      times.running.push(running)
      startMs.push(startedAt - endedAt)
      upMs.push(upAt - endedAt)
    }
    run(main, ['sync', 'stop'], false)
    const beside = 'one emit without a word to the background'
    const base = median(times.without)
    const of = (figure, ours) => row({ figure, beside, ours, base, most: REACH })
    const start = { ours: median(startMs), value: median(startMs), most: START_REACH_MS }
    return [
      of('emit that tells a background process', median(times.running)),
      of('emit that starts a background process', median(times.starting)),
      row({ figure: 'its start, after that emit', beside: '', ...start }),
      row({ figure: 'it listens, after that emit', beside: '', ours: median(upMs) }),
    ]
  } finally {
    hub.kill('SIGKILL')
  }
}

/** When the process began, and when it held its lock and listened, in Unix milliseconds. */
async function upOf({ owner, log }) {
  for (;;) {
    const reading = readOwner(owner)
    const [line] = readLog(log, 1)
    if (reading.state === 'present' && line?.pid === reading.record.pid) {
      return { startedAt: Date.parse(reading.record.started_at), upAt: Date.parse(line.at) }
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** This package, but for the word to the background process. */
function mutedPackage(folder) {
  const copy = join(folder, 'mute')
  mkdirSync(copy)
  cpSync(join(PACKAGE, 'dist'), join(copy, 'dist'), { recursive: true })
  cpSync(join(PACKAGE, 'package.json'), join(copy, 'package.json'))
  symlinkSync(join(PACKAGE, 'node_modules'), join(copy, 'node_modules'))
  const chunks = join(copy, 'dist/chunks')
  const name = readdirSync(chunks)
    .filter((file) => file.endsWith('.js'))
    .find((file) => readFileSync(join(chunks, file), 'utf8').includes(SAID))
  const text = readFileSync(join(chunks, name), 'utf8')
  writeFileSync(join(chunks, name), text.replace(SAID, `${SAID} return;`))
  return join(copy, 'dist/cli/main.js')
}
