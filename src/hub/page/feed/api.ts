/** Asks the hub. A window is let in by a token or by the code of a one-time link, and keeps a secret of its own. */

const KEY = 'kittiwake-hub-session'
const CODE = /^#code=([\w-]+)$/

/** Why the hub does not answer with what was asked for; status 0: it was not reached. */
export class ApiFault extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export type Who = { readonly team_slug: string; readonly user: string }
type Query = Readonly<Record<string, string | number>>

/** The code of the link that led here; it goes out of the address at once. */
export function takeCode(): string | null {
  const code = CODE.exec(location.hash)?.[1]
  if (code === undefined) return null
  history.replaceState(null, '', location.pathname)
  return code
}

export class Api {
  #secret = sessionStorage.getItem(KEY)

  get isIn(): boolean {
    return this.#secret !== null
  }

  /** @throws ApiFault */
  async enter(by: { readonly token: string } | { readonly code: string }): Promise<void> {
    const { secret } = await this.#ask<{ readonly secret: string }>('session', {
      method: 'POST',
      body: JSON.stringify(by),
    })
    this.#secret = secret
    sessionStorage.setItem(KEY, secret)
  }

  /** Forgets the window's secret, and lets the hub forget it. */
  async leave(): Promise<void> {
    try {
      if (this.isIn) await this.post('session/end')
    } catch {
      // It is forgotten here, whatever the hub says.
    }
    this.forget()
  }

  forget(): void {
    this.#secret = null
    sessionStorage.removeItem(KEY)
  }

  /** @throws ApiFault */
  get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    const pairs = Object.entries(query).map(([key, value]) => [key, String(value)])
    const search = pairs.length === 0 ? '' : `?${String(new URLSearchParams(pairs))}`
    return this.#ask<Answer>(path + search, { method: 'GET' })
  }

  /** @throws ApiFault */
  post<Answer>(path: string): Promise<Answer> {
    return this.#ask<Answer>(path, { method: 'POST' })
  }

  async #ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
    const headers = this.#secret === null ? {} : { authorization: `Bearer ${this.#secret}` }
    let response: Response
    let body: unknown
    try {
      response = await fetch(`./api/v1/${path}`, { ...init, headers })
      body = await response.json()
    } catch {
      throw new ApiFault(0, 'HUB_UNREACHABLE', 'the hub does not answer')
    }
    if (response.ok) return body as Answer
    const { error } = body as {
      readonly error?: { readonly code: string; readonly message: string }
    }
    throw new ApiFault(response.status, error?.code ?? 'UNKNOWN', error?.message ?? 'it failed')
  }
}
