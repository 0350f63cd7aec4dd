/** All roots that have recorded something: which of them have a runtime now, so that memory stays bounded. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { LOGIN_FILE } from '../project/login/login.ts'
import { Holding } from './holding.ts'
import { type BackgroundLog, shortened } from './log.ts'
import type { Places } from './places.ts'
import type { Runtime } from '../runtime.ts'
import type { HoldingStatus } from './protocol.ts'
import { entryNames, readEntry, removeEntry } from './registry.ts'

export type HoldingsOptions = {
  readonly state: string
  readonly places: Places
  readonly log: BackgroundLog
  /** A link without use is given back after this time. */
  readonly linkIdleMs: number
  /** Something is to be looked at now. */
  readonly changed: () => void
  /** A project has a runtime; returns what is to be called once that is stopped. */
  readonly opened: (project: string, runtime: Runtime) => () => void
}

/** Each has three threads of its own, which take some 40 MB. */
export const OPEN_MAX = 2
/** What one that has something to send may keep, while others wait. */
const TURN_MS = 20_000

export class Holdings {
  readonly #options: HoldingsOptions
  readonly #holdingByName = new Map<string, Holding>()
  #login = ''

  constructor(options: HoldingsOptions) {
    this.#options = options
  }

  /** Something was recorded in this project. */
  nudge(project: string, now: number): void {
    for (const holding of this.#of(project)) holding.nudge(now)
  }

  /** Somebody delivers this project by hand, perhaps from a clone that waits for its turn here. */
  yieldLink(project: string, now: number): void {
    const isHeld = this.#isHeld(project)
    for (const holding of this.#of(project)) {
      if (isHeld && !holding.isOpen) holding.nudge(now)
      holding.yieldLink()
    }
  }

  /** Nothing of this project is open here afterwards, until something is recorded in it again. */
  async release(project: string): Promise<void> {
    const { log, places } = this.#options
    for (const [name, holding] of this.#holdingByName) {
      if (holding.entry.uuid !== project) continue
      this.#holdingByName.delete(name)
      removeEntry(places.projects, holding.entry)
      log.write('PROJECT_RELEASED', { project: shortened(project) })
      await holding.close()
    }
  }

  /** Something is to be sent, or a link to be held. */
  get isWanted(): boolean {
    return this.#all.some((holding) => holding.isWanted)
  }

  status(): readonly HoldingStatus[] {
    return this.#all.map((holding) => holding.status())
  }

  /** Looks at what has changed, gives links back and takes others. */
  async tick(now: number): Promise<void> {
    this.#readEntries()
    this.#heedLogin(now)
    for (const [name, holding] of this.#holdingByName) {
      if (holding.isDue(now)) await holding.look(now)
      if (holding.isGone) this.#forget(name, holding)
      else if (holding.wantsToClose(now, this.#options.linkIdleMs)) void holding.close()
    }
    this.#giveTurns(now)
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((holding) => holding.close()))
  }

  get #all(): readonly Holding[] {
    return [...this.#holdingByName.values()]
  }

  #isHeld(project: string): boolean {
    return this.#of(project).some((holding) => holding.isOpen)
  }

  #of(project: string): readonly Holding[] {
    return this.#all.filter((holding) => holding.entry.uuid === project)
  }

  #readEntries(): void {
    const { state, places, log, changed, opened } = this.#options
    const names = new Set(entryNames(places.projects))
    for (const name of names) {
      const entry = readEntry(join(places.projects, name))
      const known = this.#holdingByName.get(name)
      if (entry === null || known?.entry.uuid === entry.uuid) continue
      if (known !== undefined) void known.close()
      const isHeldHere = (project: string): boolean => this.#isHeld(project)
      const holding = new Holding({ state, entry, log, changed, opened, isHeldHere })
      this.#holdingByName.set(name, holding)
    }
    for (const [name, holding] of this.#holdingByName) {
      if (!names.has(name)) this.#forget(name, holding)
    }
  }

  #forget(name: string, holding: Holding): void {
    const { log, places } = this.#options
    log.write('PROJECT_GONE', { project: shortened(holding.entry.uuid) })
    this.#holdingByName.delete(name)
    removeEntry(places.projects, holding.entry)
    void holding.close()
  }

  /** What was refused for want of a login may go with another. */
  #heedLogin(now: number): void {
    const stat = statSync(join(this.#options.state, LOGIN_FILE), { throwIfNoEntry: false })
    const login = stat === undefined ? '' : `${stat.ino}:${stat.mtimeMs}:${stat.size}`
    if (login === this.#login) return
    this.#login = login
    for (const holding of this.#all) holding.nudge(now)
  }

  #giveTurns(now: number): void {
    const wanting = this.#all.filter((one) => one.wantsToOpen(now))
    for (const holding of wanting.toSorted((one, other) => one.openedAt - other.openedAt)) {
      const open = this.#all.filter((one) => one.isOpen)
      // One after the other: threads that start take most, of memory and of the machine.
      if (open.some((one) => one.isOpening)) return
      // Two clones of a project have one lease between them.
      const inTheWay = open.filter((one) => one.entry.uuid === holding.entry.uuid)
      if (inTheWay.length === 0 && open.length < OPEN_MAX) holding.open(now)
      // What only tells a focus takes no other's place: two of that kind would take turns for ever.
      else if (holding.hasWork) this.#makeRoom(inTheWay.length > 0 ? inTheWay : open, now)
    }
  }

  #makeRoom(open: readonly Holding[], now: number): void {
    const [yielding] = open
      .filter((one) => one.mayYield(now, TURN_MS))
      .toSorted((one, other) => one.openedAt - other.openedAt)
    if (yielding !== undefined) void yielding.close()
  }
}
