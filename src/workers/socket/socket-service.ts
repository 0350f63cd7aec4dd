/** The socket worker's resource: the one link, fed by commands and by the direct channel from the store thread. */
import { BroadcastChannel } from 'node:worker_threads'
import { idOfFrame } from '../../contracts/wire/ledger-frame.ts'
import type { LedgerFrame } from '../../contracts/wire/ledger-frame.ts'
import { errorToWire } from '../../errors.ts'
import type { Focus } from '../../contracts/wire/focus.ts'
import { readFocus } from '../../project/focus.ts'
import { openLogin } from '../../project/login/login.ts'
import { encodeJson, type JsonObject } from '../../contracts/json/json.ts'
import type { Service } from '../serve.ts'
import { ConsentReader } from '../store/consent-reader.ts'
import type { DirectBatch } from '../store/protocol.ts'
import { Credit, CREDIT_MAX } from './credit.ts'
import { Link } from './link.ts'
import type { OutgoingItem } from './outgoing.ts'
import type { SocketAnswer, SocketCommand, SocketFact, SocketInput } from './protocol.ts'

/** A batch is posted before its command; it is waited for no longer than this. */
const BATCH_WAIT_MS = 1_000

export async function openSocketService(
  input: SocketInput,
  report: (fact: SocketFact) => void,
): Promise<Service<SocketCommand, SocketAnswer>> {
  return new SocketService(input, report)
}

class SocketService implements Service<SocketCommand, SocketAnswer> {
  readonly #channel: BroadcastChannel
  readonly #link: Link
  readonly #consent: ConsentReader
  readonly #projectUuid: string | null
  /** The number of the grant under which the present link was opened. */
  #grant: number | null = null
  readonly #credit = new Credit()
  #present: DirectBatch | null = null
  #arrived: (() => void) | null = null

  constructor(input: SocketInput, report: (fact: SocketFact) => void) {
    this.#channel = new BroadcastChannel(input.channel)
    this.#channel.unref()
    this.#channel.addEventListener('message', (message: unknown) => {
      // Only the newest claim matters: an older one is claimed again by its drain.
      this.#present = (message as { data: DirectBatch }).data
      this.#arrived?.()
    })
    const { state, projectUuid } = input
    this.#projectUuid = projectUuid
    this.#consent = new ConsentReader(state)
    this.#link = new Link({
      login: () => openLogin(state),
      // Under the grant that the link was opened under: what was claimed before an opt-out never goes out after it, also
      // where consent was given again meanwhile.
      granted: (uuid) =>
        uuid === projectUuid && this.#grant !== null && this.#consent.grant(uuid) === this.#grant,
      emit: report,
      focus: projectUuid === null ? null : { projectUuid, read: () => focusOf(state, projectUuid) },
    })
  }

  handle(commands: readonly SocketCommand[]): readonly Promise<SocketAnswer>[] {
    return commands.map((command) => this.#answer(command))
  }

  async close(): Promise<void> {
    await this.#link.close()
    this.#channel.close()
    this.#consent.close()
  }

  async #answer(command: SocketCommand): Promise<SocketAnswer> {
    try {
      return await this.#dispatch(command)
    } catch (error) {
      return { type: 'socket.refused', error: errorToWire(error), class: 'transient' }
    }
  }

  async #dispatch(command: SocketCommand): Promise<SocketAnswer> {
    switch (command.type) {
      case 'socket.authenticate':
        return this.#link.authenticate()
      case 'socket.open':
        this.#grant = this.#projectUuid === null ? null : this.#consent.grant(this.#projectUuid)
        return this.#link.open()
      case 'socket.close':
        return this.#link.close()
      case 'socket.probe':
        return this.#link.probe()
      case 'socket.finish':
        return this.#link.finish()
      case 'socket.check':
        return this.#link.check()
      case 'socket.deliver':
        return command.sink === 'events'
          ? this.#deliverEvents(command.batch)
          : this.#deliverCommits(command.batch, command.frames)
    }
  }

  async #deliverEvents(batch: number): Promise<SocketAnswer> {
    const items = (await this.#batch(batch)).map(eventItem)
    const startedAt = performance.now()
    const delivered = await this.#link.deliver('events', batch, items)
    // The rows of a batch are kept no longer than it is under way.
    if (this.#present?.batch === batch) this.#present = null
    this.#credit.note(items.length, performance.now() - startedAt, delivered.unanswered === 0)
    return { ...delivered, credit: this.#credit.events }
  }

  async #deliverCommits(batch: number, frames: readonly LedgerFrame[]): Promise<SocketAnswer> {
    const items = frames.map((frame) => ({
      id: idOfFrame(frame),
      projectUuid: frame.project_uuid,
      frame: encodeJson(frame as unknown as JsonObject),
    }))
    return { ...(await this.#link.deliver('commits', batch, items)), credit: CREDIT_MAX }
  }

  async #batch(number: number): Promise<DirectBatch['rows']> {
    // Asked again after the death of a thread: neither its connection nor its batch will come back.
    if (!this.#link.isOpen) return []
    if (this.#present?.batch !== number) {
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, BATCH_WAIT_MS)
        this.#arrived = () => {
          if (this.#present?.batch !== number) return
          clearTimeout(late)
          resolve()
        }
      })
      this.#arrived = null
    }
    // A batch that never came counts as unanswered, and the drain claims it again.
    return this.#present?.batch === number ? this.#present.rows : []
  }
}

function focusOf(state: string, projectUuid: string): Focus | null {
  const declared = readFocus(state, projectUuid, Date.now())
  if (declared === null) return null
  const { mission, wp } = declared
  return wp === null ? { mission } : { mission, wp }
}

function eventItem(row: DirectBatch['rows'][number]): OutgoingItem {
  const { project_uuid } = JSON.parse(row.body) as { project_uuid: string }
  return { id: row.event_id, projectUuid: project_uuid, frame: row.body }
}
