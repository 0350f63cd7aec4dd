/** The open connections: counted, found by team, pinged together. */
import { PEERS_MAX, PEERS_PER_TOKEN_MAX } from '../limits.ts'
import { CLOSE } from './peer.ts'
import type { Peer } from './peer.ts'
import type { Session } from '../access/tickets.ts'

const NOBODY: ReadonlySet<Peer> = new Set()

export class Peers {
  readonly #all = new Set<Peer>()
  readonly #peersByTeam = new Map<string, Set<Peer>>()
  readonly #countByLogin = new Map<string, number>()
  #whenEmpty: (() => void) | null = null

  /** Whether one more connection of this login is within the bounds. */
  room(session: Session): 'free' | 'hub_full' | 'login_full' {
    if (this.#all.size >= PEERS_MAX) return 'hub_full'
    const count = this.#countByLogin.get(session.login) ?? 0
    return count >= PEERS_PER_TOKEN_MAX ? 'login_full' : 'free'
  }

  add(peer: Peer): void {
    const { team, login } = peer.session
    this.#all.add(peer)
    const ofTeam = this.#peersByTeam.get(team) ?? new Set()
    this.#peersByTeam.set(team, ofTeam.add(peer))
    this.#countByLogin.set(login, (this.#countByLogin.get(login) ?? 0) + 1)
  }

  remove(peer: Peer): void {
    if (!this.#all.delete(peer)) return
    const { team, login } = peer.session
    const ofTeam = this.#peersByTeam.get(team)
    ofTeam?.delete(peer)
    if (ofTeam?.size === 0) this.#peersByTeam.delete(team)
    const count = (this.#countByLogin.get(login) ?? 1) - 1
    if (count > 0) this.#countByLogin.set(login, count)
    else this.#countByLogin.delete(login)
    if (this.#all.size === 0) this.#whenEmpty?.()
  }

  ofTeam(team: string): ReadonlySet<Peer> {
    return this.#peersByTeam.get(team) ?? NOBODY
  }

  get size(): number {
    return this.#all.size
  }

  [Symbol.iterator](): Iterator<Peer> {
    return this.#all.values()
  }

  /** Closes those whose token has ended, as `isGood` finds. */
  shutEnded(isGood: (session: Session) => boolean): void {
    const goodBySecret = new Map<string, boolean>()
    for (const { session } of this.#all) {
      if (!goodBySecret.has(session.secret)) goodBySecret.set(session.secret, isGood(session))
    }
    for (const peer of this.#all) {
      if (goodBySecret.get(peer.session.secret) === true) continue
      peer.shut(CLOSE.tokenEnded, 'the token has ended')
    }
  }

  /** What peers were told no longer holds: they come again, and are told anew. */
  restartAll(): void {
    for (const peer of this.#all) peer.shut(CLOSE.serviceRestart, 'the hub begins anew')
  }

  pingAll(): void {
    for (const peer of this.#all) peer.ping()
  }

  /** No frame is taken any more. */
  refuseAll(): void {
    for (const peer of this.#all) peer.refuse()
  }

  /** Says goodbye to all, and is done when the last one is gone. */
  shutAll(): Promise<void> {
    for (const peer of this.#all) peer.shut(CLOSE.serviceRestart, 'the hub stops')
    if (this.#all.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#whenEmpty = resolve
    })
  }
}
