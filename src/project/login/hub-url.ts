/** Which hub a login may name: https, or http on loopback, so that a token never crosses a network in the clear. */
import { LinkError } from '../../errors.ts'

export const HUB_URL_LENGTH_MAX = 2048

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * The hub's URL in its one spelling: no trailing slash, no credentials, query or fragment.
 *
 * @throws LinkError HUB_URL
 */
export function parseHubUrl(text: string): string {
  const url = text.length <= HUB_URL_LENGTH_MAX ? readUrl(text.trim()) : null
  if (url === null) throw refusal('the hub needs an absolute URL')
  if (url.username !== '' || url.password !== '') throw refusal('a hub URL carries no credentials')
  if (/[?#]/.test(text)) throw refusal('a hub URL carries no query and no fragment')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url))) {
    throw refusal('a hub is reached by https, or by http on this machine only')
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

/** True where the URL's host is this machine by name, so that nobody else can listen in. */
export function isLoopback(url: URL): boolean {
  return LOOPBACK_HOSTS.has(url.hostname)
}

/** The URL, or null where the text isn't one. */
export function readUrl(text: string): URL | null {
  try {
    return new URL(text)
  } catch {
    return null
  }
}

// The text itself is never quoted: it may hold a password.
function refusal(message: string): LinkError {
  return new LinkError('HUB_URL', message, {
    hint: 'Give the hub as https://host[:port], or http://127.0.0.1:port for one on this machine.',
  })
}
