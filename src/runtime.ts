/**
 * The door. `emit` and `decisions` sanitize before any mailbox, stamp, and resolve once what they were given is
 * durable; the link, where there is one, follows by itself.
 */
import { resolve } from 'node:path'
import type { InspectionEvent } from 'xstate'
import type { Draft, Receipt } from './contracts/event.ts'
import { Calls } from './calls.ts'
import { createCommits } from './commits.ts'
import type { Decisions } from './decisions.ts'
import { createEmitter } from './emitter.ts'
import type { FocusDoor } from './focus.ts'
import { isCount } from './contracts/values/arguments.ts'
import { InputError, RuntimeError } from './errors.ts'
import { createNewId } from './events/new-id.ts'
import { createSanitizer } from './events/sanitize.ts'
import type { Glossary } from './glossary.ts'
import { createHealing, type Healed } from './healing.ts'
import { passGate } from './project/upgrade/gate.ts'
import { identityOrNull } from './project/identity.ts'
import { gatherLiterals } from './project/literals.ts'
import { locateRepository } from './project/git/locate.ts'
import { readConfig } from './project/config/config.ts'
import { readAutoStart } from './project/config/settings.ts'
import { machineOf } from './project/machine.ts'
import { nodeIdOf } from './project/node-id.ts'
import { stateDirectory } from './project/state-directory.ts'
import { checkedRuntimeOptions, type RuntimeOptions } from './runtime-options.ts'
import { createSync, type Sync } from './sync.ts'
import type { WorkPackages } from './work-packages.ts'
import type { ProjectView } from './view.ts'
import { FlightRecorder } from './inspect/flight-recorder.ts'
import type { Unnumbered } from './inspect/feed-message.ts'
import type { Following } from './inspect/following.ts'
import type { InspectOptions, Inspection, InspectionParts } from './inspection.ts'
import type { LinkReport, Listener, RuntimeEventMap } from './actors/listeners.ts'
import { callSafely, checkObserver, createListeners, OBSERVER_THREW } from './actors/listeners.ts'
import { startSystem, type System, type SystemClock } from './actors/system.ts'
import { within } from './project/within.ts'

export type RuntimeStatus = ProjectView & {
  readonly workers: System['workerStates']
  readonly failures: System['failures']
  readonly link: LinkReport
}

export type Runtime = {
  /** Resolves once the event is durable on this machine. @throws InputError, SanitizeError, StoreError, RuntimeError */
  emit(draft: Draft): Promise<Receipt>
  readonly decisions: Decisions
  readonly workPackages: WorkPackages
  readonly glossary: Glossary
  /** What the user declares to work on. */
  readonly focus: FocusDoor
  /** Retries every deferred commit, and queues what a crash kept from the outbox. */
  heal(): Promise<Healed>
  readonly sync: Sync
  /** What is true now, read from the same stores as the drains read. */
  status(): Promise<RuntimeStatus>
  /** Listens; returns the way to stop. A listener that throws is reported as `error`, and the rest goes on. @throws InputError LISTENER_INVALID */
  on<Name extends keyof RuntimeEventMap>(name: Name, listener: Listener<Name>): () => void
  /**
   * XState inspection events of every machine, sanitized by construction: nothing else enters a mailbox. An observer that throws
   * is reported as `error`.
   *
   * @throws InputError LISTENER_INVALID
   */
  inspect(observer: (event: InspectionEvent) => void): () => void
  /**
   * The messages of docs/inspect-protocol.md, before they are numbered: what an inspector, a recording and the terminal
   * show. Begins with the actors that are there. `number`, from 1, tells the threads of several runtimes of one process apart.
   *
   * @throws InputError LISTENER_INVALID, RUNTIME_NUMBER
   */
  follow(observer: (message: Unnumbered) => void, number?: number): Promise<Following>
  /** Where the page is, for one use by a browser of this machine; null without the option `inspect`. */
  readonly inspectUrl: string | null
  /**
   * Stops intake, lets what is under way and every thread finish, at most 3 s. Idempotent; never rejects. A call that
   * is still open after that is refused with RUNTIME_STOPPED.
   */
  stop(): Promise<void>
  /** The machines, for those who debug them. */
  readonly system: System
  /** Takes over what was recorded before `init`; answers how many events came. */
  adopt(): Promise<number>
  [Symbol.asyncDispose](): Promise<void>
}

/** What is under way and the link have this long to end by themselves; the threads have the rest of the 3 s. */
const DRAIN_WITHIN_MS = 1_200

/**
 * Opens the runtime of one repository.
 *
 * @throws ProjectError NOT_A_REPOSITORY, BARE_REPOSITORY, …; GateError PROJECT_MIGRATION_NEEDED,
 *   PROJECT_TOO_NEW_FOR_CLI, PROJECT_METADATA_CORRUPT where the project's files may not be written to;
 *   InputError OPTIONS_INVALID, INSPECT_PORT; RuntimeError ABORTED
 */
export async function createRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  // As they are now: the gate is waited for.
  const given = checkedRuntimeOptions(options)
  refuseAborted(given.signal)
  await passGate(given.root ?? process.cwd())
  return openRuntime(given)
}

/** For who has passed the gate already. @throws ProjectError NOT_A_REPOSITORY, BARE_REPOSITORY, … */
export async function openRuntime(options: RuntimeOptions = {}): Promise<Runtime> {
  const { signal } = options
  refuseAborted(signal)
  const repository = await locateRepository(options.root ?? process.cwd())
  const state = resolve(options.stateDirectory ?? stateDirectory(process.env))
  const literals = await gatherLiterals(repository)
  const identity = await identityOrNull(repository)
  refuseAborted(signal)
  const clock = options.clock ?? MACHINE_CLOCK
  const listeners = createListeners()
  let node: string | null = null
  const nodeId = (): string => (node ??= nodeIdOf(state, machineOf()))
  const system = startSystem({
    repository,
    state,
    nodeId,
    literals,
    identity,
    random: options.random ?? (() => Math.random()),
    clock,
    capacity: options.capacity ?? null,
    stuckAfterMs: options.stuckAfterMs ?? null,
    listeners,
  })
  const sanitizer = createSanitizer(literals)
  const parts = {
    repository,
    state,
    nodeId,
    system,
    sanitizer,
    listeners,
    clock,
    newId: createNewId(() => clock.now()),
  }
  const healing = createHealing({
    ...parts,
    record: (event) => emitter.record(event),
    onRecorded: () => recorded(),
  })
  const sync = createSync({ ...parts, healAndLook: healing.healAndLook, queue: healing.queue })
  const automatic =
    (options.link ?? 'auto') === 'auto' && readAutoStart(readConfig(repository.root))
  const recorded = automatic ? () => sync.wake() : () => sync.nudge()
  const emitter = createEmitter({ ...parts, identity, onEmitted: recorded })
  const ledgers = {
    ...parts,
    commits: createCommits(parts),
    heal: healing.heal,
    onRecorded: recorded,
  }
  // Most programs that are started for one thing need none of these, or one.
  const decisions = once(async () => (await import('./decisions.ts')).createDecisions(ledgers))
  const focus = once(async () => (await import('./focus.ts')).createFocus(parts))
  const workPackages = once(async () =>
    (await import('./work-packages.ts')).createWorkPackages({
      ...ledgers,
      emitter,
      focus: await focus(),
    }),
  )
  const glossary = once(async () =>
    (await import('./glossary.ts')).createGlossary({ ...ledgers, emitter }),
  )
  const calls = new Calls()
  const flight = new FlightRecorder({
    system,
    sanitizer,
    state,
    written: (name) => listeners.tell('warning', flightRecorded(name)),
  })
  listeners.on('workerFailed', ({ name, failure }) => void flight.write(name, failure))
  const inspection = await startInspection(options.inspect ?? false, parts)

  let stopping: Promise<void> | null = null
  const stop = (): Promise<void> => {
    signal?.removeEventListener('abort', abort)
    stopping ??= (async () => {
      await within(Promise.allSettled([calls.close(), sync.close()]), DRAIN_WITHIN_MS)
      await system.stop()
      calls.abandon()
      await inspection?.stop()
    })()
    return stopping
  }
  const abort = (): void => void stop()
  signal?.addEventListener('abort', abort, { once: true })

  return {
    emit: (draft) => calls.run(() => emitter.emit(draft)),
    decisions: {
      request: calls.through(decisions, (door, request) => door.request(request)),
      answer: calls.through(decisions, (door, answer) => door.answer(answer)),
    },
    workPackages: {
      create: calls.through(workPackages, (door, creation) => door.create(creation)),
      move: calls.through(workPackages, (door, move) => door.move(move)),
    },
    glossary: {
      observe: calls.through(glossary, (door, observation) => door.observe(observation)),
      request: calls.through(glossary, (door, request) => door.request(request)),
      resolve: calls.through(glossary, (door, resolution) => door.resolve(resolution)),
      record: calls.through(glossary, (door, fact) => door.record(fact)),
    },
    focus: {
      declare: calls.through(focus, (door, declaration) => door.declare(declaration)),
      clear: () => calls.run(async () => (await focus()).clear()),
      present: () => calls.run(async () => (await focus()).present()),
    },
    heal: () => calls.run(() => healing.heal()),
    sync: {
      optIn: (consent) => calls.run(() => sync.optIn(consent)),
      optOut: () => calls.run(() => sync.optOut()),
      now: (bounds) => calls.run(() => sync.now(bounds)),
      start: () => calls.run(() => sync.start()),
      stop: () => calls.run(() => sync.stop()),
      get link() {
        return sync.link
      },
    },
    status: async () => ({
      ...(await (await import('./view.ts')).viewProject(repository, state)),
      workers: system.workerStates,
      failures: system.failures,
      link: sync.link,
    }),
    on: (name, listener) => listeners.on(name, listener),
    inspect: (observer) => system.inspect(observer),
    follow: async (observer, number = 1) => {
      checkObserver(observer)
      if (!isCount(number)) {
        throw new InputError('RUNTIME_NUMBER', 'the number of a runtime is a whole number from 1')
      }
      const { follow } = await import('./inspect/following.ts')
      // Most messages come by a timer: what an observer throws there would end the process.
      const tell = (message: Unnumbered): void =>
        callSafely(observer, message, () => listeners.tell('error', OBSERVER_THREW))
      return follow({ system, sanitizer, number, tell })
    },
    get inspectUrl() {
      return inspection?.url ?? null
    },
    stop,
    adopt: () => calls.run(() => sync.adopt()),
    system,
    [Symbol.asyncDispose]: stop,
  }
}

/** Made when it is first asked for, and then kept. */
function once<Value>(make: () => Promise<Value>): () => Promise<Value> {
  let made: Promise<Value> | null = null
  return () => (made ??= make())
}

async function startInspection(
  inspect: boolean | InspectOptions,
  parts: InspectionParts,
): Promise<Inspection | null> {
  if (inspect === false) return null
  const inspection = await import('./inspection.ts')
  try {
    return await inspection.startInspection(parts, inspect === true ? {} : inspect)
  } catch (error) {
    await parts.system.stop()
    throw error
  }
}

function flightRecorded(name: string): { readonly code: string; readonly message: string } {
  return {
    code: 'FLIGHT_RECORDED',
    message: `what led to it is kept; run \`kittiwake inspect --trace ${name}\``,
  }
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw new RuntimeError('ABORTED', 'the signal is aborted already', {
    hint: 'Hand in a signal that is not aborted yet.',
  })
}

const MACHINE_CLOCK: SystemClock = {
  now: () => Date.now(),
  setTimeout: (fn, timeout) => setTimeout(fn, timeout),
  clearTimeout: (id) => clearTimeout(id as NodeJS.Timeout),
}
