// What a test needs from outside and Debian has; `npm test` may install it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/**
 * Takes a package, if this user may; says why not.
 *
 * @param {{ name: string, purpose: string, without: string }} wanted `without` says what is not tested then
 */
export function installPackage({ name, purpose, without }) {
  if (process.getuid?.() !== 0 || spawnSync('apt-get', ['--version']).error !== undefined) {
    console.error(`No ${name}: ${without}`)
    return
  }
  console.error(`Installing ${name} for ${purpose} …`)
  const install = () =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', name], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  if (install()) return
  spawnSync('apt-get', ['update'], { stdio: 'ignore' })
  if (!install()) console.error(`${name} could not be installed: ${without}`)
}

/** The path of a program, which may be a server's; null where there is none. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).find(isProgram) ?? null
}

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
