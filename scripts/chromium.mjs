// Finds the browser that the page is tested with; `npm test` may install it.
import { installPackage, isProgram } from './debian.mjs'

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/usr/bin/google-chrome',
]

/** Asks for nothing from elsewhere, and leaves nothing behind. */
export const CHROMIUM_FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Its path; null where there is none. `CHROMIUM` names another one. */
export function findChromium() {
  const named = process.env.CHROMIUM
  return (named === undefined ? PLACES : [named]).find(isProgram) ?? null
}

/** Where there is none, takes Debian's, if this user may; says why not. */
export function provideChromium() {
  if (findChromium() !== null) return
  installPackage({
    name: 'chromium',
    purpose: 'the tests of the pages',
    without: 'the pages are not tested here. CHROMIUM may name one.',
  })
}
