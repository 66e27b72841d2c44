/// The tables of schema.sql in a database, and whether a database has them.
///
/// Errors     those of Store
/// Source     our own
#pragma once

namespace nibble::store {

class Database;

/// Makes the tables in an empty database; any other is left as it is.
void create_schema(Database& database);

/// Throws unless the database is a store of this version with all its tables.
void check_identity(Database& database);

}  // namespace nibble::store
