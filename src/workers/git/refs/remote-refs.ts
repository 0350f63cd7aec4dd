/** What the remotes of a repository are known to hold. Total. */
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { listRefs } from '../../../project/git/git-files.ts'

const PREFIX = 'refs/remotes/'
const FOLDERS_MAX = 1_000

/** Another value where a remote's branch may have moved: a ref is renamed into its folder, packed ones are one file. */
export function remoteVersion(commonDir: string): string {
  const versions = [versionOf(join(commonDir, 'packed-refs'))]
  const open = [join(commonDir, PREFIX)]
  for (let path = open.pop(); path !== undefined && versions.length < FOLDERS_MAX;) {
    versions.push(versionOf(path))
    open.push(...foldersIn(path))
    path = open.pop()
  }
  return versions.join()
}

/** Where the branches of all remotes are. */
export function remoteTips(commonDir: string): readonly string[] {
  return [...new Set(listRefs(commonDir, PREFIX).map(({ oid }) => oid))]
}

function foldersIn(path: string): string[] {
  try {
    const entries = readdirSync(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(path, name))
  } catch {
    return []
  }
}

function versionOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.ino}:${found.mtimeMs}:${found.size}`
}
