// Finds the NATS server that the tests run hubs on; `npm test` may install it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Its path; null where there is none. `NATS_SERVER` names another one. */
export function findNatsServer() {
  const named = process.env.NATS_SERVER
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']
  const places = folders.map((folder) => join(folder, 'nats-server'))
  return (named === undefined ? places : [named]).find(isProgram) ?? null
}

/** Where there is none, takes Debian's, if this user may; says why not. */
export function provideNatsServer() {
  if (findNatsServer() !== null) return
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) {
    console.error(
      'No nats-server: hubs that share a log are not tested here. NATS_SERVER may name one.',
    )
    return
  }
  console.error('Installing nats-server for the tests of hubs that share a log …')
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', 'nats-server'], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  if (install()) return
  spawnSync('apt-get', ['update'], { stdio: 'ignore' })
  if (!install())
    console.error('nats-server could not be installed: hubs that share a log are not tested here.')
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
