/** What lets this window read the feed: it comes in the address, and goes out of it at once. */

const KEY = 'kittiwake-inspect-session'

/** Null where this window was not opened by a link of the inspector. */
export function takeSecret(): string | null {
  const given = /^#session=([\w-]+)$/.exec(location.hash)?.[1]
  if (given !== undefined) {
    sessionStorage.setItem(KEY, given)
    history.replaceState(null, '', location.pathname)
  }
  return sessionStorage.getItem(KEY)
}
