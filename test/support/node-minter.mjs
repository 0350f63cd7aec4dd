// Prints the node id of the state directory at the given path.
import { nodeIdOf } from '#dist/project/node-id.js'

console.log(nodeIdOf(process.argv[2], { hostname: 'host', username: 'üser' }))
