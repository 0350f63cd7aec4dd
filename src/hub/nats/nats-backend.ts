/** A hub on NATS: the shared log, passes in a bucket, presence by core messages. */
import type { Batch, HubBackend, HubState, Shared } from '../backend.ts'
import type { Change } from '../changes.ts'
import type { DeadLetter, Outcome } from '../entries.ts'
import { BucketPasses } from './bucket-passes.ts'
import { buryIn } from './dead-stream.ts'
import { RemotePresence } from './remote-presence.ts'
import { SharedKeeper } from './retain-shared.ts'
import { SharedLog } from './shared-log.ts'
import type { SharedLogOptions } from './shared-log.ts'

export type NatsBackendOptions = Omit<SharedLogOptions, 'connected'> & {
  /** How long events and commits are kept, in milliseconds; null, the default, for ever. */
  readonly keepMs?: number | null
}

export class NatsBackend implements HubBackend {
  readonly shared: Shared
  readonly #log: SharedLog
  readonly #presence = new RemotePresence()

  constructor({ keepMs = null, ...options }: NatsBackendOptions) {
    const { dataDir } = options
    const record = (change: Change): Promise<void> => log.record(change)
    const keeper =
      keepMs === null ? null : new SharedKeeper({ dataDir, keepMs, log: options.log, record })
    const log = new SharedLog({
      ...options,
      connected: (nats, signal) => {
        this.#presence.attach(nats, signal)
        void keeper?.attach(nats, signal)
      },
    })
    this.#log = log
    this.shared = {
      record,
      tell: () => log.tell(),
      catchUp: () => log.catchUp(),
      passes: new BucketPasses(() => log.nats),
      others: this.#presence,
    }
  }

  get state(): HubState {
    return this.#log.state
  }

  /**
   * @throws LinkError NATS_CLIENT_MISSING, NATS_REFUSED, NATS_NO_JETSTREAM, NATS_REPLICAS, NATS_FILE_UNREADABLE, NATS_FILE_TOO_OPEN, NATS_FILE_INVALID,
   *   HUB_STREAM_NEWER
   */
  start(): Promise<void> {
    return this.#log.start()
  }

  append(batch: Batch): Promise<readonly Outcome[]> {
    return this.#log.append(batch)
  }

  /** @throws LinkError HUB_AWAY */
  bury(letters: readonly DeadLetter[]): void {
    buryIn(this.#log.nats, letters)
  }

  async close(): Promise<void> {
    this.#presence.close()
    await this.#log.close()
  }
}
