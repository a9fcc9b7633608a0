package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/mutecomm/go-sqlcipher/v4"
)

func main() {
	base, err := sql.Open("sqlite3", ":memory:")
	if err == nil {
		err = base.Ping()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
