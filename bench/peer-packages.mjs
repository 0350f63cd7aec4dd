// Packages that stand beside ours in a bench: in a cache of their own, since nothing of ours depends on them.
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { root } from '../scripts/prepare.mjs'

const CACHE = join(root, 'node_modules/.cache/bench')
const PATIENCE_MS = 120_000

/**
 * Installs them where they are not there yet, and answers what imports one of them.
 *
 * @param {readonly string[]} packages each as `name@version`
 * @throws where they can't be installed here
 */
export async function loadPeer(packages, { mayInstall }) {
  const folder = join(CACHE, packages.join('+'))
  // An import is looked up from the file where it stands.
  const loader = join(folder, 'load.mjs')
  if (!existsSync(loader)) {
    if (!mayInstall) throw new Error('it is not installed, and a short run installs nothing')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    await install(folder, packages)
    writeFileSync(loader, 'export const load = (name) => import(name)\n')
  }
  const { load } = await import(pathToFileURL(loader).href)
  return load
}

async function install(folder, packages) {
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--loglevel', 'error']
  try {
    await promisify(execFile)('npm', ['install', ...options, ...packages], {
      cwd: folder,
      timeout: PATIENCE_MS,
      shell: process.platform === 'win32',
    })
  } catch (error) {
    const [, code = 'npm install fails'] = /^npm error code (\S+)$/m.exec(error.stderr ?? '') ?? []
    throw new Error(`not installable here: ${code}`, { cause: error })
  }
}
