/** The store worker's resource: one outbox at a time, its sender lease, its link row and its watch. */
import { BroadcastChannel } from 'node:worker_threads'
import { createSanitizer } from '../../events/sanitize.ts'
import { isQueued } from '../../events/route.ts'
import { errorToWire, KittiwakeError, ProjectError, StoreError } from '../../errors.ts'
import { repositoryKeyOf, senderLeasePath } from '../../project/state-directory.ts'
import { targetBy } from '../../project/login/login.ts'
import type { Identity } from '../../project/types.ts'
import type { Pulse, Service } from '../serve.ts'
import { adoptUnidentified } from './adopt.ts'
import { Outbox } from './outbox.ts'
import { projectOutbox, repositoryOutbox } from './outbox-place.ts'
import type { StoreAnswer, StoreCommand, StoreFact, StoreInput } from './protocol.ts'
import { SenderLease } from './sender-lease.ts'

type Command<Type extends StoreCommand['type']> = Extract<StoreCommand, { readonly type: Type }>

/** How often another process's appends are looked for while this one holds the lease. */
const WATCH_MS = 25
const HEARTBEAT_MS = 1_000
/** Where the open store can't be used any more, and perhaps another one can. */
const LOST: ReadonlySet<string> = new Set(['OUTBOX_IO', 'OUTBOX_PURGED'])
const DOWN = { state: 'down', connection: null, reason: null, next_try_at: null } as const

export async function openStoreService(
  input: StoreInput,
  report: (fact: StoreFact) => void,
  pulse: Pulse,
): Promise<Service<StoreCommand, StoreAnswer>> {
  return new StoreService(input, { report, pulse })
}

type Voice = { readonly report: (fact: StoreFact) => void; readonly pulse: Pulse }

class StoreService implements Service<StoreCommand, StoreAnswer> {
  readonly #input: StoreInput
  readonly #voice: Voice
  readonly #channel: BroadcastChannel
  readonly #assertClean: (value: unknown) => void
  #identity: Identity | null
  #outbox: Outbox | null = null
  #adopted = 0
  #lease: SenderLease | null = null
  #watch: NodeJS.Timeout | null = null
  #heartbeat: NodeJS.Timeout | null = null

  constructor(input: StoreInput, voice: Voice) {
    this.#input = input
    this.#voice = voice
    this.#identity = input.identity
    this.#channel = new BroadcastChannel(input.channel)
    this.#channel.unref()
    const sanitizer = createSanitizer(input.literals)
    this.#assertClean = (value) => sanitizer.assertClean(value)
  }

  /** Appends that wait together are committed together: one fsync for all of them. */
  handle(commands: readonly StoreCommand[]): readonly StoreAnswer[] {
    const answers: StoreAnswer[] = []
    for (let at = 0; at < commands.length;) {
      this.#voice.pulse.beat()
      const run = runOfAppends(commands, at)
      if (run.length > 0) {
        answers.push(...this.#append(run))
        at += run.length
        continue
      }
      const command = commands[at++]
      if (command !== undefined) answers.push(this.#answer(command))
    }
    return answers
  }

  close(): void {
    this.#release()
    this.#outbox?.close()
    this.#channel.close()
  }

  #append(run: readonly Command<'store.append'>[]): readonly StoreAnswer[] {
    try {
      return this.#open()
        .appendAll(run.map((command) => command.events))
        .map((result) =>
          result instanceof KittiwakeError
            ? this.#refuse(result)
            : { type: 'store.appended' as const, ...result },
        )
    } catch (error) {
      return run.map(() => this.#refuse(error))
    }
  }

  /** After a failed write the connection can't be believed: the next command opens the store anew. */
  #refuse(error: unknown): StoreAnswer {
    if (error instanceof KittiwakeError && LOST.has(error.code)) this.#drop()
    return { type: 'store.refused', error: errorToWire(error) }
  }

  /** With the store goes the lease: its holder has to ask for it again. */
  #drop(): void {
    const isHolder = this.#lease !== null
    this.#release()
    this.#outbox?.close()
    this.#outbox = null
    if (isHolder) this.#voice.report({ type: 'store.leaseLost' })
  }

  #answer(command: StoreCommand): StoreAnswer {
    try {
      return this.#dispatch(command)
    } catch (error) {
      return this.#refuse(error)
    }
  }

  #dispatch(command: StoreCommand): StoreAnswer {
    switch (command.type) {
      case 'store.append':
        return this.#append([command])[0] ?? this.#refuse(new StoreError('INTERNAL', 'no answer'))
      case 'store.identify':
        return this.#identify(command.identity)
      case 'store.lease': {
        const held = this.#takeLease()
        const granted = held && this.#project().mayAcknowledge()
        return { type: 'store.leased', held, granted }
      }
      case 'store.release':
        this.#release()
        return { type: 'store.released' }
      case 'store.target':
        this.#leased().target(targetBy(this.#input.state, command))
        return { type: 'store.targeted' }
      case 'store.claim':
        return this.#claim(command)
      case 'store.settle':
        return {
          type: 'store.settled',
          undelivered: this.#project().settle(command.accepted, command.rejected),
        }
      case 'store.publishLink':
        this.#publishLink(command)
        return { type: 'store.linkPublished' }
      case 'store.freeze':
        this.#project().freezeConsent()
        return { type: 'store.frozen' }
      case 'store.consent': {
        const outbox = this.#project()
        const change = command.grant ? outbox.grantConsent(command.fromNow) : outbox.refuseConsent()
        return { type: 'store.consented', ...change }
      }
      case 'store.count':
        return { type: 'store.counted', counts: this.#open().counts() }
    }
  }

  #open(): Outbox {
    if (this.#outbox !== null) return this.#outbox
    const { state, repository, nodeId, capacity } = this.#input
    const identity = this.#identity
    const before = repositoryOutbox(state, repository.commonDir)
    const outbox = Outbox.open({
      ...(identity === null ? before : projectOutbox(state, identity.uuid)),
      nodeId,
      isQueued,
      assertClean: this.#assertClean,
      rest: this.#voice.pulse.rest,
      ...(capacity === null ? {} : { capacity }),
    })
    this.#outbox = outbox
    // What was recorded before `init`, or left by a crash in the middle of an adoption.
    const repositoryKey = repositoryKeyOf(repository.commonDir)
    if (identity !== null) this.#adopt(outbox, identity, before.path, repositoryKey)
    return outbox
  }

  /** A store of the time before `init` that can't be read must not hold the project's own store back. */
  #adopt(to: Outbox, identity: Identity, from: string, repositoryKey: string): void {
    const { pulse, report } = this.#voice
    try {
      this.#adopted += adoptUnidentified({ from, repositoryKey, to, identity, pulse })
    } catch (error) {
      const { code } = errorToWire(error)
      report({
        type: 'store.warned',
        code,
        message: 'what was recorded before `init` could not be taken over; see `kittiwake doctor`',
      })
    }
  }

  #identify(identity: Identity): StoreAnswer {
    if (this.#identity?.uuid !== identity.uuid) {
      this.#drop()
      this.#identity = identity
    }
    this.#open()
    return { type: 'store.identified', adopted: this.#adopted }
  }

  #project(): Outbox {
    if (this.#identity === null) {
      throw new ProjectError('NO_IDENTITY', 'this repository has no project identity', {
        hint: 'Run `kittiwake init`.',
      })
    }
    return this.#open()
  }

  #takeLease(): boolean {
    const outbox = this.#project()
    if (this.#lease !== null) return true
    const uuid = this.#identity?.uuid ?? ''
    this.#lease = SenderLease.tryAcquire(senderLeasePath(this.#input.state, uuid))
    if (this.#lease === null) return false
    outbox.releaseInflight()
    let seen = outbox.changeCounter()
    this.#watch = setInterval(
      () =>
        this.#unasked(() => {
          const now = outbox.changeCounter()
          if (now === seen) return
          seen = now
          this.#voice.report({ type: 'store.changed', granted: outbox.mayAcknowledge() })
        }),
      WATCH_MS,
    )
    return true
  }

  /** Nobody waits for this: a lock of another process is looked at again, a fault gives the lease up. */
  #unasked(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof KittiwakeError && error.code === 'OUTBOX_BUSY') return
      this.#drop()
    }
  }

  #claim({ batch, max }: Command<'store.claim'>): StoreAnswer {
    const claimed = this.#leased().claim(max)
    const count = claimed.rows.length
    if (count > 0) this.#channel.postMessage(claimed.numbered(batch))
    return { type: 'store.claimed', batch, count }
  }

  #leased(): Outbox {
    const outbox = this.#project()
    if (this.#lease !== null) return outbox
    throw new StoreError('LEASE_NOT_HELD', 'another process owns the link of this project', {
      hint: 'It delivers what is queued here.',
      retryable: true,
    })
  }

  #publishLink({ state, connection, reason, next_try_at }: Command<'store.publishLink'>): void {
    const outbox = this.#project()
    outbox.publishLink({ state, connection, reason, next_try_at })
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    // Also while it is down: others are told when it is tried again, and by whom it is held.
    this.#heartbeat =
      this.#lease !== null && connection !== 'offline'
        ? setInterval(() => this.#unasked(() => outbox.beatLink()), HEARTBEAT_MS)
        : null
  }

  #release(): void {
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    if (this.#watch !== null) clearInterval(this.#watch)
    this.#heartbeat = null
    this.#watch = null
    const lease = this.#lease
    if (lease === null) return
    this.#lease = null
    try {
      this.#outbox?.publishLink(DOWN)
      this.#outbox?.releaseInflight()
    } catch {
      // A row that stays `live` goes stale by itself, and the next lease releases what is in flight.
    } finally {
      lease.release()
    }
  }
}

function runOfAppends(
  commands: readonly StoreCommand[],
  from: number,
): readonly Command<'store.append'>[] {
  const run: Command<'store.append'>[] = []
  for (let at = from; at < commands.length; at++) {
    const command = commands[at]
    if (command?.type !== 'store.append') break
    run.push(command)
  }
  return run
}
