/**
 * Opens a link in the user's browser. Who lists the processes of a machine sees their arguments, and the link holds a secret:
 * so the browser is given a private file that leads there.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeStateFolder } from '../project/state-directory.ts'

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}
const OTHERWISE = ['xdg-open']

/**
 * Resolves to false where nothing opens it; `dispose` removes the file.
 *
 * @throws the system's own errors
 */
export async function openBrowser(
  url: string,
  state: string,
): Promise<{ readonly isOpened: boolean; readonly dispose: () => void }> {
  const folder = join(state, 'inspect')
  makeStateFolder(folder)
  const file = join(folder, `open-${randomBytes(8).toString('hex')}.html`)
  const page = `<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url=${url}">`
  writeFileSync(file, page, { flag: 'wx', mode: 0o600 })
  const dispose = (): void => rmSync(file, { force: true })
  const [program = 'xdg-open', ...args] = OPENERS[process.platform] ?? OTHERWISE
  const isOpened = await new Promise<boolean>((resolve) => {
    const child = spawn(program, [...args, pathToFileURL(file).href], {
      stdio: 'ignore',
      detached: true,
    })
    child.once('error', () => resolve(false))
    child.once('spawn', () => resolve(true))
    child.unref()
  })
  return { isOpened, dispose }
}
