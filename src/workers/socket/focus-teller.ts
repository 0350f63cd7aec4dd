/**
 * Tells the hub what the user works on, as long as a connection to one that takes it is open: at its beginning, when it
 * changes, and that it is over. What the hub refused is said again later, since a project begins with its first event.
 */
import type { Focus } from '../../contracts/wire/focus.ts'
import type { SetTimer } from './limits.ts'

export type FocusTellerOptions = {
  readonly projectUuid: string
  /** Null: nothing is declared. It never throws. */
  readonly read: () => Focus | null
  /** Consent, asked for each frame. */
  readonly granted: (projectUuid: string) => boolean
  readonly say: (frame: string) => void
  readonly setTimer: SetTimer
}

/** How often it is looked whether something else is declared. */
export const FOCUS_LOOK_MS = 500
/** Looks that are left out after a refusal: some five seconds. */
const LOOKS_LEFT_OUT = 10
const NOTHING = 'null'

export class FocusTeller {
  readonly #options: FocusTellerOptions
  #said = NOTHING
  #leftOut = 0
  #cancel: () => void = () => {}

  constructor(options: FocusTellerOptions) {
    this.#options = options
  }

  start(): void {
    this.#look()
  }

  stop(): void {
    this.#cancel()
    this.#cancel = () => {}
  }

  /** The hub has not taken what was said of this project. */
  refused(projectUuid: string): void {
    if (projectUuid !== this.#options.projectUuid || this.#said === NOTHING) return
    this.#said = NOTHING
    this.#leftOut = LOOKS_LEFT_OUT
  }

  #look(): void {
    if (this.#leftOut > 0) this.#leftOut -= 1
    else this.#tell()
    this.#cancel = this.#options.setTimer(() => this.#look(), FOCUS_LOOK_MS)
  }

  #tell(): void {
    const { projectUuid, read, granted, say } = this.#options
    const focus = JSON.stringify(read())
    if (focus === this.#said || !granted(projectUuid)) return
    this.#said = focus
    say(`{"focus":${focus},"project_uuid":${JSON.stringify(projectUuid)},"type":"presence"}`)
  }
}
