// Mints the identity of the repository in argv[3] with the build in argv[2], told to on stdin.
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'

const [, , dist, cwd] = process.argv
const load = (name) => import(pathToFileURL(join(dist, 'project', name)).href)
const { locateRepository } = await load('git/locate.js')
const { ensureIdentity } = await load('identity.js')
process.stdout.write('ready\n')
await new Promise((resolve) => process.stdin.once('data', resolve))
try {
  const repository = await locateRepository(cwd)
  const { identity, created } = await ensureIdentity(repository, { node_id: '0123456789ab' })
  process.stdout.write(`${JSON.stringify({ uuid: identity.uuid, created })}\n`)
} catch (error) {
  process.stdout.write(`${JSON.stringify({ code: error.code })}\n`)
}
process.exit(0)
