/** Notices that another login was stored, which its file tells; what is in it is read by the socket worker alone. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { LOGIN_FILE } from './project/login/login.ts'

/** How often a link that isn't offline looks for another login. */
const LOOK_MS = 500

export class LoginWatch {
  readonly #state: string
  readonly #changed: () => void
  #version = ''
  #timer: NodeJS.Timeout | undefined

  constructor(state: string, changed: () => void) {
    this.#state = state
    this.#changed = changed
  }

  /** The login that is there now counts as known. */
  note(): void {
    this.#version = versionOf(this.#state)
  }

  /** Looks once, and says so where there is another one. */
  readonly look = (): void => {
    const version = versionOf(this.#state)
    if (version === this.#version) return
    this.#version = version
    this.#changed()
  }

  /** Looks now and then, or no longer. */
  turn(isWanted: boolean): void {
    clearInterval(this.#timer)
    this.#timer = isWanted ? setInterval(this.look, LOOK_MS) : undefined
  }
}

/** Another value than before means another login. */
function versionOf(state: string): string {
  try {
    const { ino, mtimeMs, size } = statSync(join(state, LOGIN_FILE))
    return `${ino}:${mtimeMs}:${size}`
  } catch {
    return ''
  }
}
