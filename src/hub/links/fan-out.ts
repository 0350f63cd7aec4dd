/**
 * Shows what was accepted to the other peers of the team, and to those who follow its project, in the order of the
 * store, in short slices between the transactions: a slow reader, or many readers, never delay the ingest.
 */
import { systemCode } from '../../errors.ts'
import type { Sender } from '../entries.ts'
import { FAN_OUT_SLICE_MS } from '../limits.ts'
import type { HubLog } from '../log.ts'
import type { Peer } from './peer.ts'
import { Shown } from './shown.ts'
import type { Shareable } from './shown.ts'

/** Shows an accepted entry; a null sender is of another hub. */
export type Publish = (entry: Shareable, seq: number, sender: Sender | null) => void

export class FanOut {
  readonly #peersOf: (team: string) => Iterable<Peer>
  readonly #log: HubLog
  readonly #behind = new Set<Peer>()
  #scheduled = false

  constructor(peersOf: (team: string) => Iterable<Peer>, log: HubLog) {
    this.#peersOf = peersOf
    this.#log = log
  }

  /**
   * Offers accepted entries to whoever shall see them; the sender of one, where that is here, has it. For one turn, in which
   * nobody begins to listen: who does is looked up once for each project.
   */
  publisher(): Publish {
    const listenersByProject = new Map<string, readonly Peer[]>()
    return (entry, seq, sender) => {
      const { team, project_uuid } = entry
      const key = `${team} ${project_uuid}`
      const listeners = listenersByProject.get(key) ?? this.#listeners(team, project_uuid)
      listenersByProject.set(key, listeners)
      if (listeners.length === 0) return
      const shown = new Shown(entry, seq)
      for (const peer of listeners) this.#offered(peer, peer.show(shown, sender))
    }
  }

  /** Offers a frame to those who follow the project. */
  tell(team: string, projectUuid: string, frame: Buffer): void {
    for (const peer of this.#peersOf(team)) {
      if (peer.following.has(projectUuid)) {
        this.#offered(peer, peer.outflow.offer(frame, projectUuid))
      }
    }
  }

  /** There may be something to write to this peer, or to read for it. */
  wake(peer: Peer): void {
    this.#behind.add(peer)
    this.#schedule()
  }

  #listeners(team: string, projectUuid: string): readonly Peer[] {
    return [...this.#peersOf(team)].filter(({ following }) => following.listens(projectUuid))
  }

  #offered(peer: Peer, isOffered: boolean): void {
    if (isOffered && peer.outflow.bytes > 0) this.wake(peer)
    if (!isOffered) this.#log('peer_too_slow', { peer: peer.number })
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#slice()
      if (this.#behind.size > 0) this.#schedule()
    })
  }

  #slice(): void {
    const deadlineMs = performance.now() + FAN_OUT_SLICE_MS
    for (const peer of this.#behind) {
      // Taken out and put back at the end, so that the next slice begins with another.
      this.#behind.delete(peer)
      if (!this.#pump(peer, deadlineMs)) this.#behind.add(peer)
      if (performance.now() >= deadlineMs) return
    }
  }

  #pump(peer: Peer, deadlineMs: number): boolean {
    try {
      if (!peer.outflow.pump(deadlineMs)) return false
      return peer.following.catchUp(deadlineMs, () => this.wake(peer))
    } catch (error) {
      // The store could not be read: whoever follows it begins again.
      this.#log('catch_up_failed', { peer: peer.number, code: systemCode(error) ?? 'unknown' })
      peer.fail()
      return true
    }
  }
}
