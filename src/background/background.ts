/**
 * The background process: the lock, the door and the links of every project with consent, until nothing is to do any
 * more, somebody asks for its end, or its state directory is gone.
 */
import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { errorDocument, KittiwakeError, RuntimeError, systemCode } from '../errors.ts'
import { within } from '../project/within.ts'
import { packageVersion } from '../project/program-files.ts'
import { SenderLease } from '../workers/store/sender-lease.ts'
import { type Answer, ControlServer } from './control-server.ts'
import { endBackground, unresponsive } from './end.ts'
import { findBackground } from './find.ts'
import { Holdings } from './holdings.ts'
import { Inspectors } from './inspectors.ts'
import { BackgroundLog } from './log.ts'
import { type OwnerRecord, readOwner, removeOwner, writeOwner } from './owner-record.ts'
import { makePlaces, type Places, placesOf } from './places.ts'
import { type ControlRequest, type ControlStatus, PROTOCOL } from './protocol.ts'
import { isOlder } from './version-order.ts'

export type BackgroundOptions = {
  readonly state: string
  /** Without anything to send for so long, it ends. */
  readonly idleMs: number
  readonly signal: AbortSignal
  /** It holds the lock and listens. */
  readonly up?: (owner: OwnerRecord) => void
}

/** A closed list. */
export type BackgroundEnd = 'already_running' | 'idle' | 'asked' | 'interrupted' | 'state_gone'

const TICK_MS = 1_000
const LOCK_WITHIN_MS = 10_000
/** It waits most of the time, for disks and the hub: what its threads keep counts for more than their speed. */
const SMALL_HEAPS = [
  '--max-semi-space-size=1',
  // In MB; a heap that starts larger keeps what loading its modules left behind.
  '--initial-heap-size=6',
  '--optimize-for-size',
  '--no-opt',
]
const LOCK_RETRY_MS = 50
const CLOSE_WITHIN_MS = 3_000
/** A third of the time until the end: a link that isn't used costs more than a process that rests. */
const LINK_IDLE_SHARE = 1 / 3

/**
 * @throws RuntimeError BACKGROUND_UNRESPONSIVE, BACKGROUND_FOLDER_UNSAFE, BACKGROUND_UNWRITABLE; StoreError
 *   STATE_UNREACHABLE
 */
export async function runBackground(options: BackgroundOptions): Promise<BackgroundEnd> {
  try {
    return await runAlone(options)
  } catch (error) {
    const code = error instanceof KittiwakeError ? null : systemCode(error)
    if (code === null) throw error
    throw new RuntimeError(
      'BACKGROUND_UNWRITABLE',
      `the background process can't keep its files in the state directory (${code})`,
      { hint: 'Check its rights and the free space, then try again.', cause: error },
    )
  }
}

async function runAlone(options: BackgroundOptions): Promise<BackgroundEnd> {
  const places = placesOf(options.state)
  makePlaces(places)
  const lock = await takeLock(places, packageVersion(), options.signal)
  if (lock === null) return options.signal.aborted ? 'interrupted' : 'already_running'
  // Here and not in the words of the start, where a Node that doesn't know one would refuse to run.
  for (const flag of SMALL_HEAPS) setFlagsFromString(flag)
  try {
    return await new Background(options, places).run()
  } finally {
    lock.release()
  }
}

/** Null where one of this version or a newer runs. An older one is asked to end, and its death waited for. */
async function takeLock(
  places: Places,
  version: string,
  signal: AbortSignal,
): Promise<SenderLease | null> {
  const deadline = performance.now() + LOCK_WITHIN_MS
  while (!signal.aborted) {
    const lock = SenderLease.tryAcquire(places.lock)
    if (lock !== null) return lock
    const found = await findBackground(places, 0)
    if (found.state === 'running') {
      if (!isOlder(found.status.version, version)) return null
      await endBackground(places)
    } else if (found.state === 'unresponsive' && performance.now() >= deadline) {
      throw unresponsive(found)
    } else {
      // Whoever only looks has it for an instant, and who starts has not said who it is yet.
      await delay(LOCK_RETRY_MS)
    }
  }
  return null
}

class Background {
  readonly #options: BackgroundOptions
  readonly #places: Places
  readonly #log: BackgroundLog
  readonly #holdings: Holdings
  readonly #inspectors = new Inspectors()
  readonly #server: ControlServer
  readonly #owner: OwnerRecord
  readonly #lockFile: string
  #isAsked = false
  #usedAt = performance.now()
  #wake: () => void = () => undefined

  constructor(options: BackgroundOptions, places: Places) {
    this.#options = options
    this.#places = places
    this.#lockFile = fileOf(places.lock)
    this.#log = new BackgroundLog(places.log)
    this.#owner = {
      pid: process.pid,
      version: packageVersion(),
      started_at: new Date(performance.timeOrigin).toISOString(),
      protocol: PROTOCOL,
      nonce: randomBytes(16).toString('hex'),
    }
    this.#holdings = new Holdings({
      state: options.state,
      places,
      log: this.#log,
      linkIdleMs: options.idleMs * LINK_IDLE_SHARE,
      changed: () => this.#wake(),
      opened: (project, runtime) => this.#inspectors.attach(project, runtime),
    })
    this.#server = new ControlServer(places.control, (request, socket) =>
      this.#answer(request, socket),
    )
  }

  async run(): Promise<BackgroundEnd> {
    process.on('uncaughtExceptionMonitor', (error) =>
      this.#log.write('CRASHED', { reason: errorDocument(error).error.code }),
    )
    if (readOwner(this.#places.owner).state !== 'absent') this.#log.write('PREDECESSOR_DIED')
    writeOwner(this.#places.owner, this.#owner)
    await this.#server.listen()
    this.#log.write('STARTED', { pid: process.pid, version: this.#owner.version })
    this.#options.up?.(this.#owner)
    const end = await this.#untilEnd()
    await this.#close(end)
    return end
  }

  async #untilEnd(): Promise<BackgroundEnd> {
    const { signal, idleMs } = this.#options
    for (;;) {
      if (signal.aborted) return 'interrupted'
      if (this.#isAsked) return 'asked'
      if (fileOf(this.#places.lock) !== this.#lockFile) return 'state_gone'
      const next = this.#nextTick()
      await this.#tick()
      if (performance.now() - this.#usedAt >= idleMs && (await this.#isStillIdle())) return 'idle'
      await next
    }
  }

  async #tick(): Promise<void> {
    const now = performance.now()
    await this.#holdings.tick(now)
    if (this.#holdings.isWanted || this.#inspectors.areThere) this.#usedAt = now
  }

  /** What is recorded from here on finds nobody and starts the next one; what was told before is looked at once more. */
  async #isStillIdle(): Promise<boolean> {
    this.#server.close()
    await this.#tick()
    if (!this.#holdings.isWanted) return true
    await this.#server.listen()
    return false
  }

  /** Armed before the look, so that what comes in the middle of it isn't missed. */
  #nextTick(): Promise<void> {
    return new Promise((resolve) => {
      const { signal } = this.#options
      const wake = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      const timer = setTimeout(wake, Math.min(TICK_MS, this.#options.idleMs))
      signal.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }

  #answer(request: ControlRequest, socket: Socket): Answer | Promise<Answer> {
    switch (request.type) {
      case 'inspect':
        return this.#inspectors.take(request, socket)
      case 'nudge':
        this.#usedAt = performance.now()
        this.#holdings.nudge(request.project, this.#usedAt)
        this.#wake()
        return null
      case 'yield':
        this.#holdings.yieldLink(request.project, performance.now())
        this.#wake()
        return { ok: true }
      case 'release':
        return this.#holdings.release(request.project).then(() => ({ ok: true }))
      case 'status':
        return this.#status()
      case 'stop':
        this.#isAsked = true
        this.#wake()
        return { ok: true }
    }
  }

  #status(): ControlStatus {
    return {
      ...this.#owner,
      resident_mb: Math.round(process.memoryUsage.rss() / 1024 / 1024),
      projects: this.#holdings.status(),
    }
  }

  async #close(end: BackgroundEnd): Promise<void> {
    this.#server.close()
    await within(Promise.allSettled([this.#holdings.close()]), CLOSE_WITHIN_MS)
    this.#server.destroy()
    // What lies there now is another's.
    if (end === 'state_gone') return
    this.#log.write('ENDED', { reason: end })
    removeOwner(this.#places.owner)
  }
}

/** Which file it is, or '' where there is none. */
function fileOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stat === undefined ? '' : `${stat.dev}:${stat.ino}`
}
