package main

import (
	"database/sql"
	"fmt"
	"os"

	_ "github.com/mattn/go-sqlite3"
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
