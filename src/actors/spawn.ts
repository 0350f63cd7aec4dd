/**
 * The only place that makes a Worker. A thread loads its modules before it asks what it shall work on, so that a program can
 * have one made while it loads its own.
 */
import { type ResourceLimits, Worker } from 'node:worker_threads'
import { threadUrl } from '../project/program-files.ts'
import { BEGIN_AT, NEVER, PULSE_BYTES, threadArguments } from '../workers/thread-protocol.ts'
import type { ThreadData } from '../workers/thread-protocol.ts'
import type { WorkerName } from './worker.machine.ts'

export type Spawned = {
  readonly worker: Worker
  /** What both sides share; see `ThreadData`. */
  readonly heart: Int32Array
}

/** What a thread is made of: the built entry, `…/x.worker.js`, and how much it may take. */
export type Build = { readonly url: URL; readonly resourceLimits?: ResourceLimits }

/** The store's batches and claims are bounded, and the socket's window; git's indexes are as large as they are. */
const BOUNDED: ResourceLimits = { maxOldGenerationSizeMb: 512 }
const LIMITS: Readonly<Record<WorkerName, ResourceLimits>> = {
  store: BOUNDED,
  git: {},
  socket: BOUNDED,
}

/** Made ahead, and not yet asked for. */
const warm = new Map<string, Spawned & { readonly forget: () => void }>()

export function buildOf(name: WorkerName): Build {
  return { url: threadUrl(`${name}/${name}.worker`), resourceLimits: LIMITS[name] }
}

/** Has threads made that this process is about to need. Never fails: whatever is wrong shows where one is asked for. */
export function warmThreads(names: readonly WorkerName[]): void {
  for (const build of names.map(buildOf)) {
    const { href } = build.url
    if (warm.has(href)) continue
    try {
      const spawned = make(build)
      const forget = (): void =>
        void (warm.get(href)?.worker === spawned.worker && warm.delete(href))
      spawned.worker.on('error', forget).on('exit', forget).unref()
      warm.set(href, { ...spawned, forget })
    } catch {
      return
    }
  }
}

/**
 * Ends the threads that were made ahead and that nobody asked for, each once it has loaded: one that is terminated while it
 * reads a module leaves that open in the process.
 */
export function coolThreads(): void {
  for (const { heart } of warm.values()) begin(heart, NEVER)
  warm.clear()
}

/** A thread at work on `input`: the one that was made ahead, or a new one. */
export function spawn(build: Build, input: unknown): Spawned {
  const { worker, heart } = taken(build) ?? make(build)
  worker.postMessage(input)
  begin(heart, 1)
  return { worker, heart }
}

function begin(heart: Int32Array, how: 1 | typeof NEVER): void {
  Atomics.store(heart, BEGIN_AT, how)
  Atomics.notify(heart, BEGIN_AT)
}

function taken({ url }: Build): Spawned | null {
  const found = warm.get(url.href)
  if (found === undefined) return null
  warm.delete(url.href)
  found.worker.off('error', found.forget).off('exit', found.forget).ref()
  return found
}

function make({ url, resourceLimits = {} }: Build): Spawned {
  const pulse = new SharedArrayBuffer(PULSE_BYTES)
  const data: ThreadData = { pulse }
  const worker = new Worker(url, { workerData: data, resourceLimits, ...threadArguments() })
  return { worker, heart: new Int32Array(pulse) }
}
