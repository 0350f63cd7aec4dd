/** Starts the background process, detached from whoever asks: it outlives the command, its terminal and its folder. */
import { spawn } from 'node:child_process'
import { parse } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { RuntimeError } from '../errors.ts'
import { MAIN } from '../project/program-files.ts'
import { findBackground, type Found } from './find.ts'
import { unresponsive } from './end.ts'
import { makePlaces, type Places } from './places.ts'
import { isOlder } from './version-order.ts'

export type StartOptions = {
  readonly state: string
  readonly places: Places
  readonly version: string
  readonly idleS: number
}

type Running = Extract<Found, { readonly state: 'running' }>['status']

/** Without anything to send for 15 minutes, the process ends. */
export const IDLE_S = 900
/** Of the program's own heap; what its threads may keep, it sets itself. */
const SMALL_HEAP = '--max-semi-space-size=1'
/** Threads of glibc else take memory each for itself, and keep what one of them freed from the others. */
const FEW_ARENAS = { MALLOC_ARENA_MAX: '2' }
/** A start waits for the end of an older one, which takes 5 s, and for a machine that has much to do. */
const UP_WITHIN_MS = 20_000
const LOOK_MS = 25

/** Returns at once. @throws the system's own errors */
export function startDetached(state: string, idleS: number): void {
  const words = ['sync', 'run', '--all', '--idle', String(idleS)]
  const child = spawn(process.execPath, [SMALL_HEAP, MAIN, ...words], {
    detached: true,
    // Not the log: what Node prints when it crashes quotes paths.
    stdio: 'ignore',
    cwd: parse(process.execPath).root,
    env: environmentFor(state),
    windowsHide: true,
  })
  // A machine that has no process left: the next command tries again.
  child.on('error', () => undefined)
  child.unref()
}

/** Of git's own only the choice of files: what a hook was given would lead the links of other projects astray. */
function environmentFor(state: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^GIT_/i.test(name) || /^GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM)$/i.test(name),
  )
  return { ...Object.fromEntries(kept), ...FEW_ARENAS, KITTIWAKE_HOME: state }
}

/**
 * Starts it where none runs or an older one does, and waits until it answers.
 *
 * @throws RuntimeError BACKGROUND_UNRESPONSIVE, BACKGROUND_NOT_STARTED, BACKGROUND_FOLDER_UNSAFE
 */
export async function startBackground(
  options: StartOptions,
): Promise<{ readonly started: boolean; readonly status: Running }> {
  const { places, version } = options
  const before = await findBackground(places)
  if (before.state === 'unresponsive') throw unresponsive(before)
  const isUp = before.state === 'running' && !isOlder(before.status.version, version)
  if (isUp) return { started: false, status: before.status }
  makePlaces(places)
  startDetached(options.state, options.idleS)
  const deadline = performance.now() + UP_WITHIN_MS
  while (performance.now() < deadline) {
    const found = await findBackground(places, 0)
    if (found.state === 'running' && !isOlder(found.status.version, version)) {
      return { started: true, status: found.status }
    }
    await delay(LOOK_MS)
  }
  throw new RuntimeError('BACKGROUND_NOT_STARTED', 'the background process did not come up', {
    hint: 'See `kittiwake sync logs`, or run `kittiwake sync run --all` to watch it.',
    retryable: true,
  })
}
