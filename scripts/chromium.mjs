// Finds the browser that the page is tested with; `npm test` may install it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'

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
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) {
    console.error('No Chromium: the page is not tested here. CHROMIUM may name one.')
    return
  }
  console.error('Installing Chromium for the tests of the page …')
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'chromium'], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  if (install()) return
  spawnSync('apt-get', ['update'], { stdio: 'ignore' })
  if (!install()) console.error('Chromium could not be installed: the page is not tested here.')
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
